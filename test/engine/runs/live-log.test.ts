/** When a log that is being written comes into the store, and in which pieces. */
import { describe, expect, it } from 'vitest';
import { createLog } from '../../../src/base/log.ts';
import { LiveLog, readPiece } from '../../../src/engine/runs/live-log.ts';
import { RunLog } from '../../../src/engine/runs/run-log.ts';
import { memoryStore } from '../../../src/objectstore/memory.ts';
import { ManualClock } from '../../manual-clock.ts';

const forever = new AbortController().signal;

async function whileWritten(work: (all: { clock: ManualClock; runLog: RunLog; texts: () => string[] }) => Promise<void>): Promise<void> {
  const clock = new ManualClock();
  const objects = new Map<string, Uint8Array>();
  const runLog = new RunLog(clock);
  const stop = new AbortController();
  const texts = () => [...objects.keys()].toSorted().map((key) => Buffer.from(objects.get(key)!).toString());
  const running = new LiveLog({ clock, log: createLog('silent'), store: memoryStore(objects), folder: 'f', runLog }).run(stop.signal);
  await work({ clock, runLog, texts });
  stop.abort(new Error('the run has ended'));
  await running;
}

describe('a log that is being written', () => {
  it('comes into the store soon, then not oftener than every three seconds', async () => {
    await whileWritten(async ({ clock, runLog, texts }) => {
      for (let second = 0; second < 31; second++) {
        runLog.info(`second ${second}`);
        await clock.pass(1_000);
        if (second === 0) expect(texts()).toEqual([runLog.text()]);
      }
      expect(texts()).toHaveLength(11);
      expect(texts().join('')).toBe(runLog.text());
    });
  });

  it('makes no piece where nothing is new', async () => {
    await whileWritten(async ({ clock, runLog, texts }) => {
      await clock.pass(60_000);
      expect(texts()).toEqual([]);
      runLog.warn('something');
      await clock.pass(60_000);
      expect(texts()).toEqual([runLog.text()]);
    });
  });

  it('is read by number, from 1', async () => {
    const store = memoryStore(new Map([['f/live-log/00000001', Buffer.from('a line\n')]]));
    expect(await readPiece(store, 'f', 1, forever)).toBe('a line\n');
    expect(await readPiece(store, 'f', 2, forever)).toBeUndefined();
  });
});
