/** Patterns of names: `*` stands for any characters, `?` for one, everything else for itself. */

export const isGlob = (pattern: string) => /[*?]/.test(pattern);

export function globMatcher(pattern: string): (text: string) => boolean {
  return isGlob(pattern) ? (text) => fits(pattern, text) : (text) => text === pattern;
}

/**
 * In at most as many steps as the lengths multiplied, whatever a user writes: only the last `*` is ever tried again. A regular
 * expression may take for ever.
 */
function fits(pattern: string, text: string): boolean {
  let [at, star, begun] = [0, -1, 0];
  for (let index = 0; index < text.length;) {
    if (pattern[at] === '*') {
      star = at++;
      begun = index;
    } else if (at < pattern.length && (pattern[at] === '?' || pattern[at] === text[index])) {
      at++;
      index++;
    } else if (star >= 0) {
      at = star + 1;
      index = ++begun;
    } else return false;
  }
  while (pattern[at] === '*') at++;
  return at === pattern.length;
}
