/** The Shell of this process. */
import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';
import { text } from 'node:stream/consumers';
import { systemClock } from '../base/clock.ts';
import { randomIds } from '../base/ids.ts';
import { codeOf } from '../base/system-errors.ts';
import { createMetrics } from '../base/metrics.ts';
import { Ending, exits } from './exits.ts';
import { escaped } from './output/escaped.ts';
import type { Shell } from './shell.ts';

const { stdin, stdout, stderr } = process;
const usualColumns = 80;

export function systemShell(program: string): Shell {
  const interrupt = new AbortController();
  const stop = () => interrupt.abort(new Ending(exits.interrupted));
  process.once('SIGINT', stop);
  stdout.on('error', endWithReader);
  const { signal } = interrupt;
  return {
    clock: systemClock,
    ids: randomIds,
    metrics: createMetrics(),
    env: process.env,
    program,
    signal,
    isInteractive: stdin.isTTY && stderr.isTTY,
    columns: stderr.columns || usualColumns,
    say: (line) => stdout.write(`${escaped(line)}\n`),
    async write(piece) {
      if (!stdout.write(piece)) await once(stdout, 'drain', { signal });
    },
    tell: (line) => stderr.write(`${escaped(line)}\n`),
    redraw: (line) => stderr.write(`\r\u001b[K${line}`),
    input: () => text(stdin),
    ask,
  };

  async function ask(question: string): Promise<string> {
    const lines = createInterface({ input: stdin, output: stderr }).once('SIGINT', stop);
    try {
      return await lines.question(question, { signal });
    } finally {
      lines.close();
    }
  }
}

/** Whoever reads the output has seen enough, as `head` does: that is no fault. */
function endWithReader(error: Error): void {
  if (codeOf(error) !== 'EPIPE') throw error;
  process.exit();
}
