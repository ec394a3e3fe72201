/**
 * Whether an index holds all that its head says. LevelDB leaves out what it cannot read of its own log, after a loss of power or
 * on a bad disk, and goes on with what was written later: then objects would be missing without a word.
 */
import type { Level } from 'level';
import type { Head } from './apply.ts';
import { digestOf, emptyDigest, plus } from './digest.ts';
import { versionOf } from './index-view.ts';

const pageEntries = 1000;

/** Reads the whole index. Rejects when it cannot be read. */
export async function isWhole(db: Level, head: Head): Promise<boolean> {
  let digest = emptyDigest;
  for await (const [key, value] of entriesOf(db, 'c')) digest = plus(digest, digestOfEntry(key, value));
  let [changes, replaced] = [0, 0];
  for await (const [, change] of entriesOf(db, 'h')) {
    changes += 1;
    if (change.split('\0')[1] !== '0') replaced += 1;
  }
  for await (const _ of entriesOf(db, 'v')) replaced -= 1;
  return digest === head.digest && changes === head.rv - head.horizon && replaced === 0;
}

async function* entriesOf(db: Level, table: 'c' | 'h' | 'v'): AsyncGenerator<[string, string]> {
  const iterator = db.iterator({ gte: `${table}\0`, lt: `${table}\x01` });
  try {
    for (let page = await iterator.nextv(pageEntries); page.length > 0; page = await iterator.nextv(pageEntries)) yield* page;
  } finally {
    await iterator.close();
  }
}

function digestOfEntry(key: string, value: string): bigint {
  const [, resource = '', namespace = '', name = ''] = key.split('\0');
  const { rv, json } = versionOf(value);
  return digestOf({ resource, namespace, name }, rv, json);
}
