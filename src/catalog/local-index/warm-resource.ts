/**
 * All objects of one resource, in memory, in the order of their keys. Nothing in it changes: a change makes another one that
 * shares what is the same, so a list goes on reading what it began with.
 */
import type { ObjectKey, Stored } from '../../machinery/storage.ts';
import type { KeyRange } from './index-keys.ts';

/** An object as it is from now on; without `stored` it is gone. */
export interface WarmChange {
  readonly key: ObjectKey;
  readonly stored: Stored | undefined;
}

type Place = Pick<ObjectKey, 'namespace' | 'name'>;
type Piece = readonly Stored[];

/** Objects of a piece when it is made; one that has grown to twice as many becomes two. */
const pieceObjects = 512;
/** What is handed out at a time, unless one object is larger. */
const partCharacters = 256 * 1024;

export class WarmResource {
  /** None of them is empty. */
  readonly #pieces: readonly Piece[];
  /** Of all texts. */
  readonly characters: number;

  private constructor(pieces: readonly Piece[], characters: number) {
    this.#pieces = pieces;
    this.characters = characters;
  }

  /** `objects` in order. */
  static of(objects: readonly Stored[]): WarmResource {
    const pieces: Piece[] = [];
    for (let at = 0; at < objects.length; at += pieceObjects) pieces.push(objects.slice(at, at + pieceObjects));
    return new WarmResource(
      pieces,
      objects.reduce((sum, { json }) => sum + json.length, 0),
    );
  }

  /** With all of the changes, the later ones of a key in place of the earlier. */
  with(changes: readonly WarmChange[]): WarmResource {
    const pieces = [...this.#pieces];
    /** Copies that nobody else has seen. */
    const own = new Set<Stored[]>();
    let { characters } = this;
    for (const { key, stored } of changes) {
      const index = Math.max(0, firstFrom(pieces, (piece) => compare(firstOf(piece), key) > 0) - 1);
      const piece = ownCopy(pieces, index, own);
      const at = firstFrom(piece, (one) => compare(one.key, key) >= 0);
      const before = piece[at] && compare(piece[at].key, key) === 0 ? piece[at] : undefined;
      piece.splice(at, before ? 1 : 0, ...(stored ? [stored] : []));
      characters += (stored?.json.length ?? 0) - (before?.json.length ?? 0);
      settle(pieces, index, piece);
    }
    return new WarmResource(pieces, characters);
  }

  /** The objects of a range in order, in parts, at most `limit`. */
  *range({ namespace, after }: KeyRange, limit = Number.POSITIVE_INFINITY): Generator<Piece> {
    let left = limit;
    const isBehind = ({ key }: Stored) => after === undefined || compare(key, after) > 0;
    const isReached = ({ key }: Stored) => namespace === undefined || compareText(key.namespace, namespace) >= 0;
    const isPast = ({ key }: Stored) => namespace !== undefined && compareText(key.namespace, namespace) > 0;
    const isIn = (one: Stored) => isBehind(one) && isReached(one);
    for (let index = firstFrom(this.#pieces, (piece) => isIn(lastOf(piece))); index < this.#pieces.length && left > 0; index++) {
      const whole = this.#pieces[index] ?? [];
      const piece =
        isIn(whole[0] as Stored) && !isPast(lastOf(whole)) ? whole : whole.slice(firstFrom(whole, isIn), firstFrom(whole, isPast));
      if (piece.length === 0) return;
      yield* inParts(piece.length > left ? piece.slice(0, left) : piece);
      left -= piece.length;
    }
  }
}

/** In parts of which a reader can hold one in memory, as large as LevelDB hands them out. */
function* inParts(piece: Piece): Generator<Piece> {
  let [start, characters] = [0, 0];
  for (let at = 0; at < piece.length; at++) {
    const { length } = (piece[at] as Stored).json;
    if (at > start && characters + length > partCharacters) {
      yield piece.slice(start, at);
      [start, characters] = [at, 0];
    }
    characters += length;
  }
  yield start === 0 ? piece : piece.slice(start);
}

/** By UTF-8 bytes, as the index sorts. */
function compare(a: Place, b: Place): number {
  return compareText(a.namespace, b.namespace) || compareText(a.name, b.name);
}

/** The units of a string sort as its bytes do, but for surrogates, which stand for characters behind all others. */
function compareText(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const [x, y] = [a.charCodeAt(at), b.charCodeAt(at)];
    if (x !== y) return isSurrogate(x) === isSurrogate(y) ? x - y : isSurrogate(x) ? 1 : -1;
  }
  return a.length - b.length;
}

const isSurrogate = (unit: number) => unit >= 0xd800 && unit <= 0xdfff;
const firstOf = (piece: Piece) => (piece[0] as Stored).key;
const lastOf = (piece: Piece) => piece.at(-1) as Stored;

/** The first place whose item has passed; all behind it have too. */
function firstFrom<T>(items: readonly T[], hasPassed: (item: T) => boolean): number {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (hasPassed(items[middle] as T)) high = middle;
    else low = middle + 1;
  }
  return low;
}

function ownCopy(pieces: Piece[], index: number, own: Set<Stored[]>): Stored[] {
  const found = pieces[index] as Stored[] | undefined;
  if (found && own.has(found)) return found;
  const copy = found ? [...found] : [];
  own.add(copy);
  pieces[index] = copy;
  return copy;
}

/** After a change: an empty piece goes, one that has grown becomes two. */
function settle(pieces: Piece[], index: number, piece: readonly Stored[]): void {
  if (piece.length === 0) pieces.splice(index, 1);
  else if (piece.length >= 2 * pieceObjects) pieces.splice(index, 1, piece.slice(0, pieceObjects), piece.slice(pieceObjects));
}
