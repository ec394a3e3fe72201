/** What an index file of restic lists: `{"packs":[{"id":…,"blobs":[…]}]}`, some thousand blobs at a time, since it may list a million. */
import { setImmediate } from 'node:timers/promises';
import { StoreDamaged } from '../../objectstore/objectstore.ts';
import { objectsIn } from './objects-in.ts';
import type { NewPlace } from './places.ts';
import { sealBytes } from './sealed.ts';
import { isId } from './stored-files.ts';

export interface Listed {
  /** Name of the pack. */
  readonly pack: string;
  readonly blobs: readonly NewPlace[];
}

interface ListedBlob {
  readonly id: string;
  readonly offset: number;
  readonly length: number;
  readonly uncompressed_length?: number;
}

/** Blobs that are parsed before others have their turn: it takes some milliseconds. */
const atOnce = 4096;
const longest = 2 ** 32 - 1;

/** `key` names the file in errors. Rejects with StoreDamaged. */
export async function* listedIn(text: Buffer, key: string): AsyncGenerator<Listed> {
  const bounds = await objectsIn(text, 3);
  if (!bounds) throw notAnIndex(key);
  let pack: string | undefined;
  for (let [first, end] = [0, 0]; first < bounds.length; first = end) {
    pack = packIn(text.toString('utf8', bounds[first - 1] ?? 0, bounds[first])) ?? pack;
    end = first + 2;
    while (end < bounds.length && end < first + 2 * atOnce && areNeighbours(bounds, end)) end += 2;
    const blobs = blobsIn(text.toString('utf8', bounds[first], bounds[end - 1]));
    if (pack === undefined || !blobs) throw notAnIndex(key);
    yield { pack, blobs };
    await setImmediate();
  }
}

const notAnIndex = (key: string) => new StoreDamaged(`${key}: what is in it is no index of restic's`);

/** Of one pack, with no more than a comma between them. */
const areNeighbours = (bounds: Uint32Array, at: number) => (bounds[at] ?? 0) - (bounds[at - 1] ?? 0) === 1;

/** In front of the first blob of a pack stands how that is called; in front of its others nothing. */
const packIn = (between: string) => [...between.matchAll(/"id":\s*"([0-9a-f]{64})"/g)].at(-1)?.[1];

/** Undefined where they are none. */
function blobsIn(list: string): NewPlace[] | undefined {
  const blobs = parsed(`[${list}]`);
  if (!blobs?.every(isListed)) return undefined;
  return blobs.map(({ id, offset, length, uncompressed_length: expandedLength = 0 }) => ({ id, offset, length, expandedLength }));
}

function parsed(text: string): readonly ListedBlob[] | undefined {
  try {
    return JSON.parse(text) as readonly ListedBlob[];
  } catch {
    return undefined;
  }
}

const isListed = ({ id, offset, length, uncompressed_length: expanded = 0 }: ListedBlob) =>
  typeof id === 'string' && isId(id) && isLength(offset) && isLength(length) && length >= sealBytes && isLength(expanded);

const isLength = (value: unknown) => typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= longest;
