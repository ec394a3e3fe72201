/** Plants a mistake in the code under test while it is loaded: the files themselves stay as they are. */
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import type { Mutation } from './mutations.ts';

const root = new URL('../../', import.meta.url);

/** Must run before the code under test is imported. */
export function plant(mutation: Mutation): void {
  const sources = patchedBy(mutation);
  registerHooks({
    load: (url, context, next) => {
      const source = sources.get(url);
      return source === undefined ? next(url, context) : { format: 'module-typescript', source, shortCircuit: true };
    },
  });
}

/** The files as they are with the mistake, by URL. Throws when a text to replace is not there exactly once. */
export function patchedBy({ name, patches }: Mutation): ReadonlyMap<string, string> {
  const sources = new Map<string, string>();
  for (const { file, find, replace } of patches) {
    const { href } = new URL(file, root);
    const source = sources.get(href) ?? readFileSync(new URL(href), 'utf8');
    const times = source.split(find).length - 1;
    if (times !== 1) throw new Error(`the mutation "${name}" does not fit ${file} any more: its text is there ${times} times`);
    sources.set(
      href,
      source.replace(find, () => replace),
    );
  }
  return sources;
}
