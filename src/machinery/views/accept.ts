/** The Accept header, read as Kubernetes reads it: by q, then by order, wildcards last; parameters that nobody knows are ignored. */

export interface MediaRange {
  /** Lower case: `application/json`, or with a star as in `application/*`. */
  readonly type: string;
  /** Names in lower case, `q` left out. */
  readonly parameters: Readonly<Record<string, string>>;
}

/** What is acceptable, best first. No header accepts everything. */
export function parseAccept(header: string): readonly MediaRange[] {
  if (header.trim() === '') return [{ type: '*/*', parameters: {} }];
  return header
    .split(',')
    .map(parseClause)
    .filter(({ type, quality }) => type !== '' && quality > 0)
    .sort((a, b) => b.quality - a.quality || stars(a) - stars(b));
}

export function covers(range: MediaRange, type: string): boolean {
  if (range.type === '*/*' || range.type === type) return true;
  return range.type.endsWith('/*') && type.startsWith(range.type.slice(0, -1));
}

/** That of the `offered` media types which the header likes best, the first of equals; undefined where it accepts none. */
export function preferred<const T extends string>(header: string, offered: readonly T[]): T | undefined {
  for (const range of parseAccept(header)) {
    const match = offered.find((type) => covers(range, type));
    if (match !== undefined) return match;
  }
  return undefined;
}

function parseClause(clause: string): MediaRange & { readonly quality: number } {
  const [type = '', ...rest] = clause.split(';').map((part) => part.trim());
  const { q = '1', ...parameters } = Object.fromEntries(rest.map(parseParameter));
  const quality = Number(q);
  return { type: type.toLowerCase(), parameters, quality: Number.isNaN(quality) ? 1 : quality };
}

function parseParameter(text: string): [string, string] {
  const [name = '', value = ''] = text.split('=', 2);
  return [name.trim().toLowerCase(), value.trim().replaceAll('"', '')];
}

const stars = ({ type }: MediaRange) => (type === '*/*' ? 2 : type.endsWith('/*') ? 1 : 0);
