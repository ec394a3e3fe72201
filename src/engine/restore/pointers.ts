/** Places in objects: JSON pointers (https://www.rfc-editor.org/rfc/rfc6901) in which `*` stands for every entry of a list. */

/** Calls `visit` with everything that `pointer` leads to, as the object or list that it lies in and its key there. */
export function visitAt(root: unknown, pointer: string, visit: (owner: Record<string, unknown>, key: string) => void): void {
  walk(root, stepsOf(pointer), visit);
}

/** Puts what `change` makes of a text in its place; nothing but text is looked at. */
export function changeTexts(root: unknown, pointer: string, change: (text: string) => string): void {
  visitAt(root, pointer, (owner, key) => {
    const value = owner[key];
    if (typeof value === 'string') owner[key] = change(value);
  });
}

/** Not for entries of lists. */
export function removeAt(root: unknown, pointer: string): void {
  visitAt(root, pointer, (owner, key) => delete owner[key]);
}

/** What lies there, or undefined. `pointer` has no `*`. */
export function valueAt(root: unknown, pointer: string): unknown {
  let value: unknown = pointer === '' ? root : undefined;
  visitAt(root, pointer, (owner, key) => {
    value = owner[key];
  });
  return value;
}

export function stepsOf(pointer: string): readonly string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function walk(at: unknown, [step, ...rest]: readonly string[], visit: (owner: Record<string, unknown>, key: string) => void): void {
  if (typeof at !== 'object' || at === null || step === undefined) return;
  const owner = at as Record<string, unknown>;
  for (const key of step === '*' && Array.isArray(at) ? Object.keys(at) : [step].filter((key) => Object.hasOwn(at, key)))
    if (rest.length === 0) visit(owner, key);
    else walk(owner[key], rest, visit);
}
