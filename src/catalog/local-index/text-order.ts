/** The order of all keys: by their UTF-8 bytes. */

/** The units of a string sort as its bytes do, but for surrogates, which stand for characters behind all others. */
export function compareText(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const [x, y] = [a.charCodeAt(at), b.charCodeAt(at)];
    if (x !== y) return isSurrogate(x) === isSurrogate(y) ? x - y : isSurrogate(x) ? 1 : -1;
  }
  return a.length - b.length;
}

const isSurrogate = (unit: number) => unit >= 0xd800 && unit <= 0xdfff;

/** The first place whose item has passed; all behind it have too. */
export function firstFrom<T>(items: readonly T[], hasPassed: (item: T) => boolean): number {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (hasPassed(items[middle] as T)) high = middle;
    else low = middle + 1;
  }
  return low;
}
