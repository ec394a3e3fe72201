/** What a program writes, where its end may be lost with its life. What Kubernetes does is in test/e2e/snapshots-copy.test.ts. */
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import type { Cluster } from '../../../src/cluster/cluster.ts';
import { readOut } from '../../../src/engine/copy/read-out.ts';
import type { Sender } from '../../../src/engine/mover/mover.ts';
import { ManualClock, settled } from '../../manual-clock.ts';
import { fastClock } from '../clocks.ts';

/** Loses what was not taken when the program ends, as Kubernetes does where it is taken slowly. */
const execute: Cluster['exec'] = async ({ command: [program = '', ...args] }, { reply, output, errors }) => {
  const child = spawn(program, args, { detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
  let isOver = false;
  const exit = new Promise<number>((resolve) => child.on('exit', (status) => resolve(status ?? 137)));
  void exit.then(() => (isOver = true));
  child.stderr.on('data', errors);
  void reply?.then((words) => child.stdin.on('error', () => {}).write(words));
  for await (const piece of child.stdout as AsyncIterable<Buffer>) {
    if (isOver) break;
    await output(piece);
  }
  return exit;
};

const mounted = { pod: 'p', container: 'c', image: 'i', path: '/', isReadOnly: false };
const total = 200_000;

function read(program: readonly string[], wanted = total, clock = systemClock, takes = 20) {
  const sender = { cluster: { exec: execute }, parts: { clock }, signal: AbortSignal.timeout(20_000) };
  let bytes = 0;
  const push = async (piece: Uint8Array) => {
    await sleep(takes);
    bytes += piece.length;
  };
  const owner = { metadata: { namespace: 'shop' } };
  const reading = readOut(sender as unknown as Sender, { owner } as never, mounted, program, { push, isWhole: () => bytes === wanted });
  return reading.then(({ code, complaints }) => ({ code, said: complaints.lastWords, bytes }));
}

describe('what a program in a container writes', () => {
  const writing = ['head', '-c', String(total), '/dev/zero'];

  it('is read to its end, though the end would be lost', async () => {
    expect(await read(writing)).toEqual({ code: 0, said: 'it said nothing', bytes: total });
    let lost = total;
    const output = async (piece: Uint8Array) => void (await sleep(20), (lost -= piece.length));
    await execute({ ...mounted, namespace: 'shop', command: writing }, { output, errors: () => {} }, AbortSignal.timeout(20_000));
    expect(lost).toBeGreaterThan(0);
  });

  it('is read to its end however long each piece takes', async () => {
    // The silence after which nothing more is waited for is over after 150 ms of this clock.
    expect(await read(writing, total, fastClock, 400)).toMatchObject({ bytes: total });
  });

  it('comes with the exit code and the complaints of the program', async () => {
    const failing = ['sh', '-c', 'head -c 200000 /dev/zero; echo "it is full" >&2; exit 3'];
    expect(await read(failing)).toEqual({ code: 3, said: 'it is full', bytes: total });
  });

  it('is not waited for for ever where less comes', async () => {
    expect(await read(writing, total + 1, fastClock)).toMatchObject({ code: 0, bytes: total });
  });

  it('is waited for once, however often the program says that it has ended', async () => {
    const clock = new ManualClock();
    let sleepers = 0;
    const exec: Cluster['exec'] = async (_, { errors }) => {
      for (let times = 0; times < 1_000; times++) errors(Buffer.from('kylon: all is written\n'));
      await settled();
      sleepers = clock.sleepers;
      return 0;
    };
    const sender = { cluster: { exec }, parts: { clock }, signal: AbortSignal.timeout(20_000) } as unknown as Sender;
    await readOut(sender, { owner: { metadata: {} } } as never, mounted, ['tar'], { push: async () => {}, isWhole: () => false });
    // Until it is let go, and until it is given up.
    expect(sleepers).toBe(2);
  });

  it('is not waited for at all where the program was killed, or is not there', async () => {
    expect(await read(['sh', '-c', 'kill -9 $$'])).toMatchObject({ code: 137, bytes: 0 });
    await expect(read(['no-such-program'])).rejects.toMatchObject({ reason: 'TarNotFound' });
  });
});
