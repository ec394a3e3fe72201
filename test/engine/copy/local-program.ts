/** Programs that run here instead of in a container, in the folder that stands for the volume, wherever the Pod has it. */
import { spawn } from 'node:child_process';
import type { Writable } from 'node:stream';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Cluster } from '../../../src/cluster/cluster.ts';

type Command = readonly string[];

export const inFolder = (root: string, change: (command: Command) => Command = (one) => one): Cluster['exec'] =>
  async function execute({ command }, { input, reply, output, errors }) {
    const [program = '', ...args] = change(command.map((one) => one.replace(/^\/(data|volume)(?=\/|$)/, root)));
    const child = spawn(program, args, { detached: true, stdio: [(input ?? reply) ? 'pipe' : 'ignore', 'pipe', 'pipe'] });
    const exit = new Promise<number>((resolve) => child.on('close', (code) => resolve(code ?? 143)));
    child.stderr?.on('data', errors);
    let fault: { readonly error: unknown } | undefined;
    const given = input && watched(input, (error) => (fault = { error }));
    const fed = given && pipeline(Readable.from(given), child.stdin as Writable).catch(() => {});
    void reply?.then((words) => child.stdin?.on('error', () => {}).write(words));
    for await (const piece of child.stdout as AsyncIterable<Buffer>) await output(piece);
    // As containerd does, though the program may read on.
    child.stdin?.destroy();
    await fed;
    const code = await exit;
    if (fault) throw fault.error;
    return code;
  };

/** What ends it from outside is no failure of its own. */
async function* watched(input: AsyncIterable<Uint8Array>, failed: (error: unknown) => void): AsyncGenerator<Uint8Array> {
  const pieces = input[Symbol.asyncIterator]();
  const next = () =>
    pieces.next().catch((error: unknown) => {
      failed(error);
      throw error;
    });
  try {
    for (let piece = await next(); !piece.done; piece = await next()) yield piece.value;
  } finally {
    await pieces.return?.();
  }
}
