/** A backup and a restore as one step, for suites about what comes back. */
import type { KubeObject, Kubectl } from './kubectl.ts';
import { backup, backups, complete, ended, path, restore, restores } from './objects.ts';

interface Result {
  readonly group?: string;
  readonly resource: string;
  readonly namespace?: string;
  readonly name: string;
  readonly outcome: string;
  readonly message?: string;
}

export interface Restored {
  readonly object: KubeObject;
  readonly results: readonly Result[];
  /** Of one object; `resource` is its plural. */
  readonly of: (resource: string, name: string) => Pick<Result, 'outcome' | 'message'> | undefined;
}

export async function backUp(kubectl: Kubectl, namespace: string, name: string, spec: object = {}): Promise<KubeObject> {
  await kubectl.run(['create', '-f', '-'], backup(namespace, name, spec));
  return complete(kubectl, backups, { namespace, name });
}

/** Whatever comes of it. */
export async function bringBack(kubectl: Kubectl, namespace: string, backupName: string, name: string, spec: object): Promise<Restored> {
  await kubectl.run(['create', '-f', '-'], restore(namespace, name, backupName, spec));
  return resultsOf(kubectl, namespace, name);
}

export async function resultsOf(kubectl: Kubectl, namespace: string, name: string): Promise<Restored> {
  const object = await ended(kubectl, restores, { namespace, name });
  const { items: results } = JSON.parse(await kubectl.run(['get', '--raw', path(namespace, `restores/${name}/results`)])) as {
    items: Result[];
  };
  return {
    object,
    results,
    of: (resource, name) => {
      const found = results.find((result) => result.resource === resource && result.name === name);
      return found && { outcome: found.outcome, ...(found.message && { message: found.message }) };
    },
  };
}
