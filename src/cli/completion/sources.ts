/** What stands for a value of a flag or an argument, for the shell to complete. */
import type { Argument, Option } from 'commander';

export type Source = 'backups' | 'restores' | 'snapshots' | 'backupstores' | 'persistentvolumeclaims' | 'namespaces' | 'files';

const sources = new WeakMap<Argument | Option, Source>();

/** The same flag or argument, whose values come from there. */
export function completing<T extends Argument | Option>(source: Source, what: T): T {
  sources.set(what, source);
  return what;
}

/** Undefined where nothing is known of its values; what commander calls choices stands in itself. */
export function sourceOf(what: Argument | Option): Source | undefined {
  return sources.get(what);
}
