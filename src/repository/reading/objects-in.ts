/** Long texts of JSON, of which only some objects are parsed, or not all at once. */
import { setImmediate } from 'node:timers/promises';

const [quote, backslash, open, close] = [...Buffer.from('"\\{}')] as [number, number, number, number];

/** Bytes that are looked at before others have their turn: it takes some milliseconds. */
const atOnce = 1 << 20;

/**
 * Of each object that lies `depth` objects deep its first byte and the one behind its last, in turns. Undefined where the braces do not fit;
 * all else is left to who parses them.
 */
export async function objectsIn(text: Buffer, depth: number): Promise<Uint32Array | undefined> {
  const state = { bounds: new Bounds(), level: 0 };
  for (let at = 0; at < text.length;) {
    if (at > 0) await setImmediate();
    at = scan(text, at, Math.min(at + atOnce, text.length), depth, state);
  }
  return state.level === 0 && state.bounds.length % 2 === 0 ? state.bounds.whole() : undefined;
}

/** From one byte to another, or to the end of the string that begins before it. */
function scan(text: Buffer, start: number, end: number, depth: number, state: { readonly bounds: Bounds; level: number }): number {
  let at = start;
  for (; at < end; at++) {
    const byte = text[at];
    if (byte === quote) at = behindText(text, at + 1);
    else if (byte === open && ++state.level === depth) state.bounds.add(at);
    else if (byte === close && state.level-- === depth) state.bounds.add(at + 1);
  }
  return at;
}

/** Where the quote is that ends a string. */
function behindText(text: Buffer, start: number): number {
  let at = start;
  while (at < text.length && text[at] !== quote) at += text[at] === backslash ? 2 : 1;
  return at;
}

/** Numbers that become more and more. */
class Bounds {
  #values = new Uint32Array(64);
  length = 0;

  add(value: number): void {
    if (this.length === this.#values.length) {
      const larger = new Uint32Array(2 * this.length);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.length++] = value;
  }

  whole(): Uint32Array {
    return this.#values.slice(0, this.length);
  }
}
