/**
 * Whether an index holds all that its head says. LevelDB leaves out what it cannot read of its own log, after a loss of power or
 * on a bad disk, and goes on with what was written later: then objects would be missing without a word.
 */
import type { Head } from '../state/apply.ts';
import { historyKey, lineOf } from './index-keys.ts';
import { IndexTally, tables } from './index-tally.ts';
import type { KvReader } from './kv.ts';

/**
 * How many changes are looked at when an index is opened. Only what LevelDB has in its log can be lost, which is two buffers of
 * 4 MiB (level-kv.ts) at most; and a change takes more than 128 bytes there, in which each batch has the history of its changes.
 */
const mostRecent = 65_536;

/** A quick look: nothing that was written of late is missing between what was written before and after it. */
export async function hasRecent(kv: KvReader, head: Head): Promise<boolean> {
  const after = Math.max(head.horizon, head.rv - mostRecent);
  // What is older than the horizon was removed together with what moved it.
  const from = after === head.horizon ? historyKey(0) : historyKey(after + 1);
  let count = 0;
  for await (const keys of kv.keys({ gte: from, lt: 'h\x01' })) {
    if (count === 0 && keys[0] !== historyKey(after + 1)) return false;
    count += keys.length;
  }
  return count === head.rv - after;
}

/** Reads the whole index, and waits for `pause` between two pages. Answers what is wrong with it. Rejects when it cannot be read. */
export async function faultOf(kv: KvReader, head: Head, pause: () => Promise<void>): Promise<string | undefined> {
  const tally = new IndexTally();
  for (const table of tables) {
    for await (const page of kv.entries({ gte: `${table}\0`, lt: `${table}\x01` })) {
      tally.add(Buffer.from(page.map(([key, value]) => lineOf(key, value)).join('')));
      await pause();
    }
  }
  return tally.faultFor(head);
}
