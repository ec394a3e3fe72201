/**
 * The objects of one resource, in memory, in the order of their keys: all of them, or all up to one of them. Nothing in it changes:
 * a change makes another one that shares what is the same, so a list goes on reading what it began with.
 */
import type { ObjectKey, Stored } from '../../machinery/storage.ts';
import type { KeyRange } from './index-keys.ts';
import { compareText, firstFrom } from './text-order.ts';

/** An object as it is from now on; without `stored` it is gone. */
export interface WarmChange {
  readonly key: ObjectKey;
  readonly stored: Stored | undefined;
}

type Place = Pick<ObjectKey, 'namespace' | 'name'>;
/** Never changed: what is made of one, such as its bytes, may be kept with it. */
type Piece = readonly Stored[];

/** Characters of a piece at most, unless it is one object: a reader has to hold it, and so much is made anew when one of it changes. */
const pieceCharacters = 256 * 1024;
/** Nothing lies before it. */
const beginning: Place = { namespace: '', name: '' };

export class WarmResource {
  /** None of them is empty. */
  readonly #pieces: readonly Piece[];
  /** What lies behind is not here, and has to be read from the index; undefined where everything is here. */
  readonly #until: Place | undefined;
  /** Of all texts. */
  readonly characters: number;

  private constructor(pieces: readonly Piece[], until: Place | undefined) {
    this.#pieces = pieces;
    this.#until = until;
    this.characters = pieces.reduce((sum, piece) => sum + charactersOf(piece), 0);
  }

  /** Of objects in order, in `pages` of any length: all of the resource, or all up to `until`. */
  static of(pages: readonly (readonly Stored[])[], until?: Place): WarmResource {
    return new WarmResource(
      pages.filter((page) => page.length > 0).flatMap((page) => cut(page)),
      until,
    );
  }

  /** With all of the changes, the later ones of a key in place of the earlier. */
  with(changes: readonly WarmChange[]): WarmResource {
    const pieces = [...this.#pieces];
    /** Copies that nobody else has seen. */
    const own = new Set<Piece>();
    for (const { key, stored } of changes) {
      if (this.#until && compare(key, this.#until) > 0) continue;
      const index = Math.max(0, firstFrom(pieces, (piece) => compare(firstOf(piece), key) > 0) - 1);
      const piece = ownCopy(pieces, index, own);
      const at = firstFrom(piece, (one) => compare(one.key, key) >= 0);
      const before = piece[at] && compare(piece[at].key, key) === 0 ? piece[at] : undefined;
      piece.splice(at, before ? 1 : 0, ...(stored ? [stored] : []));
      if (piece.length === 0) pieces.splice(index, 1);
    }
    return new WarmResource(
      pieces.flatMap((piece) => (own.has(piece) ? cut(piece) : [piece])),
      this.#until,
    );
  }

  /** So much of its beginning that it has no more than `most` characters. */
  within(most: number): WarmResource {
    if (this.characters <= most) return this;
    const pieces = [...this.#pieces];
    for (let { characters } = this; characters > most;) characters -= charactersOf(pieces.pop() ?? []);
    return new WarmResource(pieces, pieces.at(-1)?.at(-1)?.key ?? beginning);
  }

  /** The objects of a range in order, as far as they are here, at most `limit`. What is wanted of a piece is the same again the next time. */
  *range({ namespace, after }: KeyRange, limit = Number.POSITIVE_INFINITY): Generator<Piece> {
    let left = limit;
    const isBehind = ({ key }: Stored) => after === undefined || compare(key, after) > 0;
    const isReached = ({ key }: Stored) => namespace === undefined || compareText(key.namespace, namespace) >= 0;
    const isPast = ({ key }: Stored) => namespace !== undefined && compareText(key.namespace, namespace) > 0;
    const isIn = (one: Stored) => isBehind(one) && isReached(one);
    for (let index = firstFrom(this.#pieces, (piece) => isIn(lastOf(piece))); index < this.#pieces.length && left > 0; index++) {
      const whole = this.#pieces[index] ?? [];
      const start = isIn(whole[0] as Stored) ? 0 : firstFrom(whole, isIn);
      const end = isPast(lastOf(whole)) ? firstFrom(whole, isPast) : whole.length;
      if (start >= end) return;
      const piece = partOf(whole, start, Math.min(end, start + left));
      yield piece;
      left -= piece.length;
    }
  }

  /** What of a range is not here; undefined where all of it is. */
  beyond(range: KeyRange): KeyRange | undefined {
    if (this.#until === undefined) return undefined;
    const after = range.after && compare(range.after, this.#until) > 0 ? range.after : this.#until;
    const side = range.namespace === undefined ? 0 : compareText(after.namespace, range.namespace);
    if (side > 0) return undefined;
    return { ...range, after: side < 0 ? undefined : after };
  }
}

/** Parts of pieces: lists in pages end within them, at the same places each time. */
const parts = new WeakMap<Piece, Map<number, Piece>>();
const mostParts = 4;

function partOf(piece: Piece, start: number, end: number): Piece {
  if (start === 0 && end === piece.length) return piece;
  const known = parts.get(piece) ?? new Map<number, Piece>();
  parts.set(piece, known);
  const place = start * (piece.length + 1) + end;
  const part = known.get(place) ?? piece.slice(start, end);
  known.delete(place);
  known.set(place, part);
  for (const oldest of known.keys()) if (known.size > mostParts) known.delete(oldest);
  return part;
}

/** In pieces, none of which has too many characters; one that has not is left as it is. */
function cut(objects: Piece): readonly Piece[] {
  const characters = charactersOf(objects);
  if (objects.length === 1 || characters <= pieceCharacters) return [objects];
  let [at, before] = [0, 0];
  while (before < characters / 2) before += objects[at++]?.json.length ?? 0;
  const middle = Math.min(at, objects.length - 1);
  return [...cut(objects.slice(0, middle)), ...cut(objects.slice(middle))];
}

/** Of pieces that are done. */
const lengths = new WeakMap<Piece, number>();

function charactersOf(piece: Piece): number {
  const known = lengths.get(piece);
  if (known !== undefined) return known;
  let characters = 0;
  for (const { json } of piece) characters += json.length;
  lengths.set(piece, characters);
  return characters;
}

/** By UTF-8 bytes, as the index sorts. */
function compare(a: Place, b: Place): number {
  return compareText(a.namespace, b.namespace) || compareText(a.name, b.name);
}

const firstOf = (piece: Piece) => (piece[0] as Stored).key;
const lastOf = (piece: Piece) => piece.at(-1) as Stored;

function ownCopy(pieces: Piece[], index: number, own: Set<Piece>): Stored[] {
  const found = pieces[index] as Stored[] | undefined;
  if (found && own.has(found)) return found;
  const copy = found ? [...found] : [];
  own.add(copy);
  pieces[index] = copy;
  return copy;
}
