import { describe, expect, it } from 'vitest';
import { chooseLines, linesOf } from '../../../src/engine/runs/log-lines.ts';
import { RunLog } from '../../../src/engine/runs/run-log.ts';
import { ManualClock, settled } from '../../manual-clock.ts';
import { forever } from '../workbench.ts';

const log = () => new RunLog(new ManualClock());

async function collectFrom(lines: AsyncIterable<string>, into: string[]): Promise<void> {
  for await (const line of lines) into.push(line);
}

describe('RunLog', () => {
  it('writes lines of time, level and message, and counts', () => {
    const lines = log();
    lines.info('begins');
    lines.warn('two\nlines');
    lines.error('bad');
    expect(lines.text()).toBe(
      '2026-01-02T03:04:05.000Z INFO begins\n2026-01-02T03:04:05.000Z WARN two lines\n2026-01-02T03:04:05.000Z ERROR bad\n',
    );
    expect([lines.warnings, lines.errors]).toEqual([1, 1]);
  });

  it('is followed from a line to its end', async () => {
    const lines = log();
    const seen: string[] = [];
    lines.info('a');
    lines.info('b');
    const following = collectFrom(lines.follow(1, forever), seen);
    await settled();
    lines.info('c');
    await settled();
    expect(seen.map((line) => line.slice(30))).toEqual(['b\n', 'c\n']);
    lines.close();
    await following;
  });

  it('lets go of a follower who goes away', async () => {
    const gone = new AbortController();
    const following = collectFrom(log().follow(0, gone.signal), []);
    await settled();
    gone.abort();
    await following;
  });

  it('keeps no more than its bound, and room for errors', () => {
    const lines = log();
    for (let n = 0; n < 10_000; n++) lines.info('x'.repeat(1_000));
    lines.error('the end');
    lines.close();
    expect(lines.text().length).toBeLessThan(5 * 1024 * 1024);
    expect(lines.text()).toMatch(/ERROR the end\n.* lines were left out of this log: it is full\n$/);
  });
});

describe('chooseLines', () => {
  const lines = linesOf('2026-01-01T00:00:00.000Z INFO a\n2026-01-01T00:00:01.000Z INFO b\n2026-01-01T00:00:02.000Z INFO c\n');
  it.each([
    [{}, ['INFO a\n', 'INFO b\n', 'INFO c\n']],
    [{ tailLines: 1 }, ['INFO c\n']],
    [{ tailLines: 0 }, []],
    [{ tailLines: 9 }, ['INFO a\n', 'INFO b\n', 'INFO c\n']],
    [{ sinceTime: '2026-01-01T01:00:01+01:00' }, ['INFO b\n', 'INFO c\n']],
    [{ timestamps: true, tailLines: 1 }, ['2026-01-01T00:00:02.000Z INFO c\n']],
  ])('%j', (options, expected) => {
    expect(chooseLines(lines, { follow: false, tailLines: undefined, sinceTime: undefined, timestamps: false, ...options })).toEqual(
      expected,
    );
  });
});
