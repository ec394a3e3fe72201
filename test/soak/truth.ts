/** Whether what was acknowledged is what was seen, and nothing else. */
import type { Change } from './collection.ts';
import type { Write } from './writer.ts';

const refused = [404, 409, 503];
const unknown = [0, 504];

/** A line for each contradiction between the writes, what a watch has seen of them, and what is there at the end. */
export function contradictions(writes: readonly Write[], changes: readonly Change[], kept: readonly Change[]): readonly string[] {
  const seen = new Map(changes.filter(({ type }) => type !== 'DELETED').map((change) => [change.token, change]));
  return [
    ...writes
      .filter(({ status }) => status >= 300 && ![...refused, ...unknown].includes(status))
      .map((write) => `odd answer: ${JSON.stringify(write)}`),
    ...writes.filter((write) => isAcknowledged(write) && write.method !== 'DELETE').flatMap((write) => lost(write, seen.get(write.token))),
    ...writes
      .filter(({ status, token }) => refused.includes(status) && seen.has(token))
      .map((write) => `refused and done: ${JSON.stringify(write)}`),
    ...deletionFaults(writes, changes),
    ...endFaults(changes, kept),
  ];
}

const isAcknowledged = ({ status }: Write) => status >= 200 && status < 300;

function lost(write: Write, change: Change | undefined): readonly string[] {
  return change?.rv === write.rv && change.name === write.name ? [] : [`lost: ${JSON.stringify(write)}, seen: ${JSON.stringify(change)}`];
}

/** A deletion answers no number: as many as were acknowledged must be seen, and no more than were sent and not refused. */
function deletionFaults(writes: readonly Write[], changes: readonly Change[]): readonly string[] {
  const counts = new Map<string, { done: number; maybe: number; seen: number }>();
  const of = (name: string) => counts.get(name) ?? counts.set(name, { done: 0, maybe: 0, seen: 0 }).get(name)!;
  for (const write of writes.filter(({ method }) => method === 'DELETE')) {
    if (isAcknowledged(write)) of(write.name).done += 1;
    else if (unknown.includes(write.status)) of(write.name).maybe += 1;
  }
  for (const { name } of changes.filter(({ type }) => type === 'DELETED')) of(name).seen += 1;
  return [...counts]
    .filter(([, { done, maybe, seen }]) => seen < done || seen > done + maybe)
    .map(([name, count]) => `deletions of ${name}: ${JSON.stringify(count)}`);
}

/** What is there is what the last change of each object says. */
function endFaults(changes: readonly Change[], kept: readonly Change[]): readonly string[] {
  const last = new Map(changes.map((change) => [change.name, change]));
  const there = new Map(kept.map((one) => [one.name, one.rv]));
  const wrong = [...last.values()].filter(({ type, name, rv }) => there.get(name) !== (type === 'DELETED' ? undefined : rv));
  return wrong.map((change) => `at the end ${there.get(change.name)} instead of ${JSON.stringify(change)}`);
}
