/** L7 and L8: checkpoints are what the log leads to, and the newest three are kept. */
import type { Checked } from './checked.ts';
import { idOf } from './history.ts';
import type { TrueLog } from './read-log.ts';
import type { TrueCheckpoint } from './read-checkpoint.ts';
import { readCheckpoint } from './read-checkpoint.ts';
import { domain } from './replica.ts';

const mostKept = 3;

export function checkCheckpoints({ bucket, log, fail }: Checked): void {
  for (const key of bucket.keys(`d/${domain}/ckpt/`, '')) {
    try {
      const fault = faultOf(readCheckpoint(Buffer.from(bucket.objects.get(key)!)), log);
      if (fault !== undefined) fail('L7', `${key} ${fault}`);
    } catch (error) {
      fail('L7', `${key} cannot be read: ${(error as Error).message}`);
    }
  }
  for (const { key, newer, isOwnLast } of bucket.deleted) {
    if (key.endsWith('.seg')) fail('L8', `${key} was deleted`);
    // Whoever cannot read back what it has made takes it away.
    if (key.endsWith('.ckpt') && newer < mostKept && !isOwnLast) fail('L8', `${key} was deleted when there were ${newer} newer ones`);
  }
}

function faultOf(checkpoint: TrueCheckpoint, log: TrueLog): string | undefined {
  const { n, rv, hash, digest, horizon, lines } = checkpoint;
  const head = log.heads[n];
  if (head?.rv !== rv || head.hash !== hash) return `says that segment ${n} leads to ${rv}, and the log has ${head?.rv}`;
  if (head.digest !== digest) return 'has another digest than the log leads to';
  const wanted = [...objectsAt(log, rv), ...changesOf(log, horizon, rv), ...versionsOf(log, horizon, rv)].toSorted();
  const found = lines.map((parts) => (parts[0] === 'h' ? parts.filter((_, i) => i !== 4) : parts).join(' '));
  const missing = wanted.find((line) => !found.includes(line));
  const foreign = found.find((line) => !wanted.includes(line));
  if (missing !== undefined) return `lacks ${missing}`;
  return foreign === undefined ? undefined : `has ${foreign}, and the log does not`;
}

function objectsAt(log: TrueLog, rv: number): readonly string[] {
  return [...log.keys.values()].flatMap((key) => {
    const version = log.at(key, rv);
    return version === undefined ? [] : [`c ${key.resource} ${key.namespace} ${key.name} ${version.rv} ${version.json}`];
  });
}

/** Without their times, which each process puts right by its own clock. */
function changesOf(log: TrueLog, after: number, upTo: number): readonly string[] {
  const changes = log.changes.filter(({ rv }) => rv > after && rv <= upTo);
  return changes.map(({ rv, op, prev, key }) => `h ${digits(rv)} ${op} ${prev} ${key.resource} ${key.namespace} ${key.name}`);
}

function versionsOf(log: TrueLog, after: number, upTo: number): readonly string[] {
  const changes = log.changes.filter(({ rv, prev }) => rv > after && rv <= upTo && prev !== 0);
  return changes.map(({ rv, prev, key, before }) => {
    if (before === undefined) throw new Error(`${idOf(key)} had no state before ${rv}`);
    return `v ${key.resource} ${key.namespace} ${key.name} ${digits(prev)} ${rv} ${before}`;
  });
}

const digits = (rv: number) => String(rv).padStart(16, '0');
