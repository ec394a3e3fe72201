/** Looks into objects of any shape. */

/** What lies at a dotted path such as `status.phase`; undefined where there is nothing. */
export function valueAt(object: unknown, path: string): unknown {
  let at = object;
  for (const field of path.split('.')) at = typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[field] : undefined;
  return at;
}
