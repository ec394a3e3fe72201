/** Backups, Restores and Snapshots as users write them, and what the suites ask about them. */
import { expect } from 'vitest';
import type { KubeObject, Kubectl } from './kubectl.ts';
import { eventually } from './process.ts';

export const apiVersion = 'backup.kylon.io/v1alpha1';
export const backups = 'backups.backup.kylon.io';
export const restores = 'restores.backup.kylon.io';
export const snapshots = 'snapshots.backup.kylon.io';

export function backup(namespace: string, name: string, spec: object = {}, labels?: Record<string, string>): KubeObject {
  return { apiVersion, kind: 'Backup', metadata: { namespace, name, ...(labels && { labels }) }, spec: { ...spec } };
}

export function restore(namespace: string, name: string, backupName: string, spec: object = {}): KubeObject {
  return { apiVersion, kind: 'Restore', metadata: { namespace, name }, spec: { backupName, ...spec } };
}

/** Of a claim, unless the spec says otherwise. */
export function snapshot(namespace: string, name: string, claim: string, spec: object = {}): KubeObject {
  return { apiVersion, kind: 'Snapshot', metadata: { namespace, name }, spec: { source: { persistentVolumeClaimName: claim }, ...spec } };
}

export function restoreOfSnapshot(
  namespace: string,
  name: string,
  snapshotName: string,
  claim: object = {},
  spec: object = {},
): KubeObject {
  return { apiVersion, kind: 'Restore', metadata: { namespace, name }, spec: { snapshotName, claim, ...spec } };
}

export function configMap(namespace: string, name: string, data: Record<string, string> = { key: name }): KubeObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace, name }, data };
}

export function namespace(name: string, labels: Record<string, string> = {}): KubeObject {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } };
}

/** Waits as users do, and answers the object then. */
export async function complete(kubectl: Kubectl, resource: string, where: { namespace: string; name: string }): Promise<KubeObject> {
  const { namespace, name } = where;
  const args = ['-n', namespace, `${resource}/${name}`];
  const waited = await kubectl.try(['wait', '--for=condition=Complete', '--timeout=120s', ...args]);
  const now = await kubectl.get(...args);
  expect(waited.code, `${waited.stderr}\n${JSON.stringify(now, null, 1)}`).toBe(0);
  return now;
}

/** Its state once the work has ended, however it did. */
export function ended(kubectl: Kubectl, resource: string, where: { namespace: string; name: string }): Promise<KubeObject> {
  return eventually(async () => {
    const now = await kubectl.get(resource, where.name, '-n', where.namespace);
    return /^(Completed|PartiallyFailed|Failed)$/.test(String(now.status?.['phase'])) ? now : undefined;
  }, 120_000);
}

/** Waits until it is gone for good, as far as kubectl can see. */
export async function gone(kubectl: Kubectl, ...args: readonly string[]): Promise<void> {
  await eventually(() => isGone(kubectl, ...args), 60_000);
}

export async function isGone(kubectl: Kubectl, ...args: readonly string[]): Promise<boolean> {
  return /\(NotFound\)/.test((await kubectl.try(['get', ...args])).stderr);
}

export const path = (namespace: string, rest: string) => `/apis/${apiVersion}/namespaces/${namespace}/${rest}`;
