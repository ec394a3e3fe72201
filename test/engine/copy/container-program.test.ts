/** How long a program in a container is waited for that does nothing, and what of the time is not its own. */
import { describe, expect, it } from 'vitest';
import { unlessAborted } from '../../../src/base/lifetime.ts';
import type { Cluster, ExecStreams } from '../../../src/cluster/cluster.ts';
import type { Placed } from '../../../src/engine/copy/container-program.ts';
import { runInContainer } from '../../../src/engine/copy/container-program.ts';
import type { Sender } from '../../../src/engine/mover/mover.ts';
import { ManualClock } from '../../manual-clock.ts';
import { forever } from '../workbench.ts';

const mounted = { pod: 'p', container: 'c', image: 'i', path: '/', isReadOnly: false };
const owner = { metadata: { namespace: 'shop' } };
const never = (signal: AbortSignal) => unlessAborted(new Promise<never>(() => {}), signal);
/** Seconds that are waited for. */
const longest = 1_200;
const silent = { reason: 'ProgramSilent', message: expect.stringContaining('the container "c" of the Pod "p" neither wrote, nor read') };

function start(exec: Cluster['exec'], streams: Partial<ExecStreams> = {}, placed?: Placed) {
  const clock = new ManualClock();
  const sender = { cluster: { exec }, parts: { clock }, signal: forever } as unknown as Sender;
  const all = { output: async () => {}, errors: () => {}, ...streams };
  let isOver = false;
  const end = runInContainer(sender, { owner } as never, mounted, ['tar'], all, placed).finally(() => (isOver = true));
  end.catch(() => {});
  const isOverAfter = async (seconds: number) => {
    await clock.pass(seconds * 1_000);
    return isOver;
  };
  return { clock, end, isOverAfter };
}

describe('a program in a container', () => {
  it('that does nothing is given up', async () => {
    const { end, isOverAfter, clock } = start((_, __, signal) => never(signal));
    expect(await isOverAfter(longest - 1)).toBe(false);
    expect(await isOverAfter(1)).toBe(true);
    await expect(end).rejects.toMatchObject(silent);
    expect(clock.sleepers).toBe(0);
  });

  it('is waited for as long as it writes or complains from time to time', async () => {
    const heard = Promise.withResolvers<ExecStreams>();
    const { end, isOverAfter } = start((_, streams, signal) => (heard.resolve(streams), never(signal)));
    const { output, errors } = await heard.promise;
    for (let times = 0; times < 10; times++) {
      expect(await isOverAfter(longest - 1)).toBe(false);
      if (times % 2 === 0) await output(Buffer.from('x'));
      else errors(Buffer.from('x'));
    }
    expect(await isOverAfter(longest)).toBe(true);
    await expect(end).rejects.toMatchObject(silent);
  });

  it('is given up when it reads no more, but not because there is nothing yet for it to read', async () => {
    const store = Promise.withResolvers<void>();
    async function* input() {
      yield Buffer.from('one');
      await store.promise;
      yield Buffer.from('two');
    }
    let read = 0;
    const { end, isOverAfter } = start(
      async (_, streams, signal) => {
        for await (const _ of streams.input!) if (++read === 2) await never(signal);
        return 0;
      },
      { input: input() },
    );
    expect(await isOverAfter(10 * longest)).toBe(false);
    store.resolve();
    expect(await isOverAfter(longest - 1)).toBe(false);
    expect(await isOverAfter(2)).toBe(true);
    await expect(end).rejects.toMatchObject(silent);
  });

  it('has time to put in its place what it is given, from the beginning on', async () => {
    const { end, isOverAfter } = start((_, __, signal) => never(signal), {}, { contentBytes: 100_000_000, count: 20 });
    expect(await isOverAfter(longest + 100)).toBe(false);
    expect(await isOverAfter(1)).toBe(true);
    await expect(end).rejects.toMatchObject(silent);
  });

  it('is not silent while nobody takes what it has written', async () => {
    const taken = Promise.withResolvers<void>();
    const { end, isOverAfter, clock } = start(
      async (_, { output }) => {
        await output(Buffer.from('x'));
        return 3;
      },
      { output: () => taken.promise },
    );
    expect(await isOverAfter(10 * longest)).toBe(false);
    taken.resolve();
    expect(await end).toBe(3);
    expect(clock.sleepers).toBe(0);
  });
});
