/** What the suites stand on that show that Kylon harms no cluster: Kylon on a store that can be taken away, and namespaces full of objects. */
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect } from 'vitest';
import { temporaryFolder } from './folder.ts';
import { Kubectl } from './kubectl.ts';
import type { KubeObject } from './kubectl.ts';
import { apiServiceName, Kylon, portOf } from './kylon.ts';
import { apiVersion, backup, configMap, namespace, restore } from './objects.ts';
import { createAll } from './population.ts';
import { eventually } from './process.ts';
import { Proxy } from './proxy.ts';
import { SlowProxy } from './slow-proxy.ts';

/** A selection that is quickly done. */
export const small = { includedResources: ['configmaps'] };

export const numbered = (name: string, count: number) => Array.from({ length: count }, (_, n) => `${name}-${n}`);

const mark = 'kylon-e2e.example.test/harm';

/** A namespace that is gone when the suite is done, whatever became of it. */
export const harmed = (name: string) => namespace(name, { [mark]: 'true' });

/** Sets up and clears away around the suite that calls it. */
export function harmBed(kubeconfig: string, namespaces: readonly string[]) {
  const kubectl = new Kubectl(kubeconfig);
  const store = join(temporaryFolder(), 'store');
  const options = { data: temporaryFolder(), flags: ['--store', pathToFileURL(store).href] };
  const bed = {} as { kylon: Kylon; proxy: Proxy };

  const tidy = () => kubectl.try(['delete', 'namespace', '-l', mark, '--timeout=60s']);

  beforeAll(async () => {
    await kubectl.run(['delete', 'apiservice', apiServiceName, '--ignore-not-found']);
    await tidy();
    await kubectl.run(['create', '-f', '-'], namespaces.map(harmed));
    bed.proxy = await Proxy.start(kubectl);
    bed.kylon = await Kylon.beside(kubeconfig, options);
  });
  afterAll(async () => {
    await bed.kylon?.stop();
    await bed.proxy?.stop();
    await tidy();
  });

  const start = async () => void (bed.kylon = await Kylon.beside(kubeconfig, options));
  return {
    kubectl,
    create: (...objects: readonly KubeObject[]) => kubectl.run(['create', '-f', '-'], objects),
    createAll: (objects: readonly KubeObject[]) => createAll(bed.proxy, objects),
    send: (...args: Parameters<Proxy['send']>) => bed.proxy.send(...args),
    /** Has Kylon killed, as a crash does, so that it is still registered; and starts it again on what it has left. */
    whileCrashed: async (work: () => Promise<void>) => {
      await bed.kylon.discard();
      await work();
      await start();
    },
    /** Has Kylon ended as an operator does, so that it is not registered any more; and starts it again. */
    whileStopped: async (work: () => Promise<void>) => {
      await bed.kylon.stop();
      await work();
      await start();
    },
    /** Has the folder of the store moved away, as a disk goes that is unmounted. */
    whileWithoutStore: async (work: () => Promise<void>) => {
      renameSync(store, `${store}.away`);
      try {
        await work();
      } finally {
        renameSync(`${store}.away`, store);
      }
    },
    /** Has every answer to kube-apiserver take so many milliseconds longer. */
    whileSlow: async (ms: number, work: () => Promise<void>) => {
      const port = await portOf(kubectl);
      const slow = await SlowProxy.start(port, ms);
      try {
        await leadTo(kubectl, slow.port);
        await eventually(async () => (await answerTime(bed.proxy)) >= ms);
        await work();
      } finally {
        await leadTo(kubectl, port);
        await slow.stop();
      }
    },
  };
}

export type HarmBed = ReturnType<typeof harmBed>;

/** Milliseconds that a list of Kylon's takes. */
async function answerTime(proxy: Proxy): Promise<number> {
  const start = Date.now();
  expect((await proxy.send('GET', `/apis/${apiVersion}/restores?limit=1`)).status).toBe(200);
  return Date.now() - start;
}

/** Leads the requests for Kylon's kinds to another port of this machine. */
const leadTo = (kubectl: Kubectl, port: number) =>
  kubectl.run(['patch', 'apiservice', apiServiceName, '--type=merge', '-p', JSON.stringify({ spec: { service: { port } } })]);

/** Namespaces with four ConfigMaps, a Backup and two Restores each: one of the Backup, and one of a Backup that is not there. */
export async function fill({ createAll }: HarmBed, names: readonly string[]): Promise<void> {
  await createAll(names.map(harmed));
  await createAll(
    names.flatMap((name) => [
      ...numbered('map', 4).map((one) => configMap(name, one)),
      backup(name, 'kept', small),
      restore(name, 'one', 'kept', small),
      restore(name, 'none', 'nothing', small),
    ]),
  );
}

/** Without kubectl, which would hold back at five a second. */
export async function beginDelete({ send }: HarmBed, names: readonly string[]): Promise<void> {
  await Promise.all(names.map((name) => send('DELETE', `/api/v1/namespaces/${name}`)));
}

/** Which of them are there. */
export async function left({ kubectl }: HarmBed, names: readonly string[]): Promise<string[]> {
  const there = new Set((await kubectl.run(['get', 'namespaces', '-o', 'name'])).split('\n'));
  return names.filter((name) => there.has(`namespace/${name}`));
}

/** Seconds until all are gone. */
export async function allGone(bed: HarmBed, names: readonly string[]): Promise<number> {
  const start = Date.now();
  await eventually(async () => (await left(bed, names)).length === 0, 160_000, 500);
  return (Date.now() - start) / 1000;
}

/** The conditions by which a namespace says what keeps it, by type. */
export async function obstacles(kubectl: Kubectl, name: string): Promise<Record<string, string>> {
  const { status } = await kubectl.get('namespace', name);
  const conditions = (status?.['conditions'] ?? []) as readonly { type: string; status: string; message: string }[];
  return Object.fromEntries(conditions.filter(({ status }) => status === 'True').map(({ type, message }) => [type, message]));
}

/** The object as one that belongs to the owner. */
export function ownedBy({ apiVersion, kind, metadata: { name, uid } }: KubeObject, object: KubeObject): KubeObject {
  const ownerReferences = [{ apiVersion, kind, name, uid, blockOwnerDeletion: true }];
  return { ...object, metadata: { ...object.metadata, ownerReferences } };
}

/** Whether kube-apiserver vouches for what it says of Kylon's kinds. */
export async function isCurrent({ send }: HarmBed): Promise<boolean> {
  const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
  const { items } = JSON.parse((await send('GET', '/apis', { headers: { accept } })).text) as {
    items: readonly { metadata: { name: string }; versions: readonly { freshness: string; resources: readonly unknown[] }[] }[];
  };
  const versions = items.find(({ metadata }) => apiVersion.startsWith(`${metadata.name}/`))?.versions ?? [];
  return versions.length === 1 && versions.every(({ freshness, resources }) => freshness === 'Current' && resources.length > 0);
}
