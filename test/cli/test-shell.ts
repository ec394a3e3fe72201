/** The whole program in this process, and what it said. */
import { createMetrics } from '../../src/base/metrics.ts';
import { randomIds } from '../../src/base/ids.ts';
import { Ending, exits } from '../../src/cli/exits.ts';
import { run } from '../../src/cli/program.ts';
import type { Shell } from '../../src/cli/shell.ts';
import { systemClock } from '../../src/base/clock.ts';
import { hurriedClock } from '../cluster/api-server.ts';

export interface Said {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface Options {
  /** Given to KUBECONFIG. */
  readonly kubeconfig?: string;
  readonly stdin?: string;
  /** A person, and what that person types. */
  readonly answers?: string;
  /** Ctrl-C, at what is said on standard error. */
  readonly interruptAt?: RegExp;
  /** Waits as long as it says; otherwise pauses are over at once. */
  readonly patient?: true;
}

export async function kylon(args: readonly string[], options: Options = {}): Promise<Said> {
  const interrupt = new AbortController();
  const out: Buffer[] = [];
  let stderr = '';
  const tell = (text: string) => {
    stderr += text;
    if (options.interruptAt?.test(stderr)) interrupt.abort(new Ending(exits.interrupted));
  };
  const shell: Shell = {
    clock: options.patient ? systemClock : hurriedClock(),
    ids: randomIds,
    metrics: createMetrics(),
    env: { KUBECONFIG: options.kubeconfig ?? '/none', HOME: '/none' },
    program: 'kubectl kylon',
    signal: interrupt.signal,
    isInteractive: options.answers !== undefined,
    columns: 100,
    say: (line) => void out.push(Buffer.from(`${line}\n`)),
    write: async (piece) => void out.push(Buffer.from(piece)),
    tell: (line) => tell(`${line}\n`),
    redraw: (line) => tell(`\r${line}`),
    input: async () => options.stdin ?? '',
    ask: async (question) => {
      tell(question);
      return options.answers ?? '';
    },
  };
  const code = await run(shell, args);
  return { code, stdout: Buffer.concat(out).toString(), stderr };
}
