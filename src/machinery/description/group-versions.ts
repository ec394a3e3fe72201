/** The kinds of a server, sorted into the API groups and versions that it serves. */
import type { ResourceDefinition } from '../resource.ts';

export interface GroupVersion {
  readonly group: string;
  readonly version: string;
  readonly definitions: readonly ResourceDefinition[];
}

export interface Group {
  /** Empty for the core group. */
  readonly name: string;
  /** The preferred one first. */
  readonly versions: readonly GroupVersion[];
}

/** In the order in which the kinds are listed. */
export function groupsOf(definitions: readonly ResourceDefinition[]): readonly Group[] {
  return [...Map.groupBy(definitions, ({ group }) => group)].map(([name, kinds]) => ({
    name,
    versions: [...Map.groupBy(kinds, ({ version }) => version)].map(([version, those]) => ({ group: name, version, definitions: those })),
  }));
}

/** `api/v1`, `apis/backup.kylon.io/v1alpha1`. */
export function rootOf({ group, version }: { readonly group: string; readonly version: string }): string {
  return group ? `apis/${group}/${version}` : `api/${version}`;
}
