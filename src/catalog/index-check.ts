/**
 * Whether an index holds all that its head says. LevelDB leaves out what it cannot read of its own log, after a loss of power or
 * on a bad disk, and goes on with what was written later: then objects would be missing without a word.
 */
import type { Head } from './apply.ts';
import { digestOf, emptyDigest, plus } from './digest.ts';
import { versionOf } from './index-view.ts';
import type { KvReader } from './kv.ts';

/** Reads the whole index. Rejects when it cannot be read. */
export async function isWhole(kv: KvReader, head: Head): Promise<boolean> {
  let digest = emptyDigest;
  for await (const [key, value] of entriesOf(kv, 'c')) digest = plus(digest, digestOfEntry(key, value));
  let [changes, replaced] = [0, 0];
  for await (const [, change] of entriesOf(kv, 'h')) {
    changes += 1;
    if (change.split('\0')[1] !== '0') replaced += 1;
  }
  for await (const _ of entriesOf(kv, 'v')) replaced -= 1;
  return digest === head.digest && changes === head.rv - head.horizon && replaced === 0;
}

async function* entriesOf(kv: KvReader, table: 'c' | 'h' | 'v'): AsyncGenerator<[string, string]> {
  for await (const page of kv.entries({ gte: `${table}\0`, lt: `${table}\x01` })) yield* page;
}

function digestOfEntry(key: string, value: string): bigint {
  const [, resource = '', namespace = '', name = ''] = key.split('\0');
  const { rv, json } = versionOf(value);
  return digestOf({ resource, namespace, name }, rv, json);
}
