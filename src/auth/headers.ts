/** Headers as they were sent: every one of them, in order, with values that may hold commas. */

export type Headers = readonly (readonly [name: string, value: string])[];

/** Of the names and values that Node hands out in turn. It reads bytes as latin1; what came is UTF-8. */
export function headersOf(raw: readonly string[]): Headers {
  const pairs: [string, string][] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) pairs.push([raw[i] ?? '', asUtf8(raw[i + 1] ?? '')]);
  return pairs;
}

/** Every value of a header; names are compared without case. */
export function valuesOf(headers: Headers, name: string): readonly string[] {
  const lower = name.toLowerCase();
  return headers.filter(([key]) => key.toLowerCase() === lower).map(([, value]) => value);
}

/** The first value of a header, or empty. */
export function firstOf(headers: Headers, name: string): string {
  return valuesOf(headers, name)[0] ?? '';
}

/**
 * The headers that begin with `prefix`, by what follows it: lower case, because HTTP does not keep case, then
 * percent-decoded, because not every key may stand in a header. One that cannot be decoded is kept as it is.
 */
export function valuesByKey(headers: Headers, prefixes: readonly string[]): Record<string, string[]> {
  const found = new Map<string, string[]>();
  for (const prefix of prefixes.map((prefix) => prefix.toLowerCase())) {
    for (const [name, value] of headers) {
      if (!name.toLowerCase().startsWith(prefix)) continue;
      const key = decodeKey(name.toLowerCase().slice(prefix.length));
      found.set(key, [...(found.get(key) ?? []), value]);
    }
  }
  return Object.fromEntries(found);
}

function asUtf8(value: string): string {
  return /[\u0080-\u00ff]/.test(value) ? Buffer.from(value, 'latin1').toString('utf8') : value;
}

function decodeKey(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}
