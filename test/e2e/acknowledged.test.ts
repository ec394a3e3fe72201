/** The promise that an acknowledged write is never lost: two processes on one store, killed again and again under writers. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Replica } from './replica.ts';
import { storesForKylon } from './stores.ts';

const writers = 8;
const kills = 6;
const path = '/api/v1/namespaces/default/configmaps';

interface ConfigMap {
  readonly metadata: { readonly name: string; readonly resourceVersion: string };
}

interface Reply {
  readonly name: string;
  /** 0 where no answer came. */
  readonly status: number;
  readonly resourceVersion: number;
}

describe.each(storesForKylon())('on $name', ({ url, env }) => {
  it(`loses nothing and gives no number twice while processes are killed ${kills} times`, async () => {
    const store = url();
    const replicas = await Promise.all(['a', 'b'].map((name) => Replica.start(name, store, env)));
    const replies = await writeWhile(replicas, async () => {
      for (let kill = 0; kill < kills; kill++) {
        await sleep(700);
        await replicas[kill % 2]?.restart();
      }
      await sleep(700);
    });
    const fresh = await Replica.start('c', store, env);
    const kept = await list(fresh);
    for (const replica of replicas) expect(await list(replica)).toEqual(kept);
    checkReplies(replies, kept);
    await Promise.all([fresh, ...replicas].map((replica) => replica.stop()));
  });
});

function checkReplies(replies: readonly Reply[], kept: ReadonlyMap<string, number>): void {
  const acknowledged = replies.filter(({ status }) => status === 201);
  const refused = replies.filter(({ status }) => status === 503);
  const others = new Set(replies.map(({ status }) => status).filter((status) => ![0, 201, 503, 504].includes(status)));
  const lost = acknowledged.filter(({ name, resourceVersion }) => kept.get(name) !== resourceVersion);
  expect(others).toEqual(new Set());
  expect(lost).toEqual([]);
  expect(refused.filter(({ name }) => kept.has(name))).toEqual([]);
  expect(new Set(kept.values()).size).toBe(kept.size);
  // Else it would prove nothing.
  expect(acknowledged.length).toBeGreaterThan(100);
  expect(replies.filter(({ status }) => status === 0).length).toBeGreaterThan(0);
}

async function writeWhile(replicas: readonly Replica[], work: () => Promise<void>): Promise<readonly Reply[]> {
  const replies: Reply[] = [];
  const state = { done: false };
  const writing = Array.from({ length: writers }, async (_, writer) => {
    for (let n = 0; !state.done; n++) {
      const replica = replicas[(writer + n) % 2];
      const reply = replica && (await create(replica, `w${writer}-${n}`));
      if (reply) replies.push(reply);
      if (reply?.status !== 201) await sleep(20);
    }
  });
  await work();
  state.done = true;
  await Promise.all(writing);
  return replies;
}

async function create(replica: Replica, name: string): Promise<Reply> {
  const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { by: replica.name } };
  const { status, text } = await replica.send('POST', path, body).catch(() => ({ status: 0, text: '' }));
  const resourceVersion = status === 201 ? Number((JSON.parse(text) as ConfigMap).metadata.resourceVersion) : 0;
  return { name, status, resourceVersion };
}

async function list(replica: Replica): Promise<ReadonlyMap<string, number>> {
  const { status, text } = await replica.send('GET', path);
  expect(status, text).toBe(200);
  const { items } = JSON.parse(text) as { items: readonly ConfigMap[] };
  return new Map(items.map(({ metadata }) => [metadata.name, Number(metadata.resourceVersion)]));
}
