/** What was sent to the store, what lies there, and what the replicas made of it. */
import type { Checked } from './checked.ts';

/** L2: whoever has sent something for a slot sends nothing else for it, unless it was refused, or the slot was filled since. */
export function checkSent({ bucket, fail }: Checked): void {
  const open = new Map<string, Uint8Array>();
  for (const { key, body, writer, there, answer } of bucket.sent) {
    if (!key.endsWith('.seg')) continue;
    const id = `${writer} ${key}`;
    const earlier = open.get(id);
    if (earlier !== undefined && there === undefined && !Buffer.from(earlier).equals(body))
      fail('L2', `${writer} has sent two contents for ${key}`);
    if (answer !== 'StoreFull' && answer !== 'StoreDenied') open.set(id, body);
  }
}

/** L6 and L7: what a replica has in its index is the state that the log leads to. */
export function checkIndexes({ replicas, log, fail }: Checked): void {
  for (const { name, disk } of replicas) {
    const entries = new Map(disk.entries);
    const meta = entries.get('m');
    if (meta === undefined) continue;
    const { n, rv, hash, digest } = JSON.parse(meta) as { n: number; rv: number; hash: string; digest: string };
    const head = log.heads[n];
    if (head === undefined || head.rv !== rv || head.hash !== hash)
      fail('L6', `${name} stands at segment ${n}, number ${rv}, which the log does not have`);
    else if (head.digest !== digest) fail('L6', `${name} has another digest at segment ${n} than the log leads to`);
    else checkObjects(name, entries, rv, { log, fail });
  }
}

function checkObjects(name: string, entries: ReadonlyMap<string, string>, rv: number, { log, fail }: Pick<Checked, 'log' | 'fail'>): void {
  const found = [...entries].filter(([key]) => key.startsWith('c\0'));
  let count = 0;
  for (const key of log.keys.values()) {
    const version = log.at(key, rv);
    if (version === undefined) continue;
    count++;
    const value = entries.get(`c\0${key.resource}\0${key.namespace}\0${key.name}`);
    if (value !== `${version.rv}\0${version.json}`)
      fail('L6', `${name} has ${value ?? 'nothing'} for ${key.name}, and the log ${version.rv} ${version.json}`);
  }
  if (found.length !== count) fail('L6', `${name} has ${found.length} objects at ${rv}, and the log ${count}`);
}
