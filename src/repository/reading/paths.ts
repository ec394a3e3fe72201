/** Paths in a snapshot, as clients write them. */

/** A path that names nothing and never can. */
export class PathRefused extends Error {
  override readonly name = 'PathRefused';
}

/** The names of which a path is made; none for the root. A slash in front or behind may stand or not. Throws PathRefused. */
export function partsOf(path: string): readonly string[] {
  const inner = path.replace(/^\//, '').replace(/\/$/, '');
  if (inner === '') return [];
  const parts = inner.split('/');
  const odd = parts.find((part) => part === '' || part === '.' || part === '..' || part.includes('\0'));
  if (odd === undefined) return parts;
  throw new PathRefused(`path: ${JSON.stringify(path)} has a part that is no name of a file: ${JSON.stringify(odd)}`);
}

/** As it is told, from the root. */
export const pathText = (parts: readonly string[]) => `/${parts.join('/')}`;
