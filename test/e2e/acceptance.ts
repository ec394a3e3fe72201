/** What the acceptance suites stand on: Kylon beside the real cluster, and a namespace with something in it. */
import { afterAll, beforeAll } from 'vitest';
import { findCluster, kubeconfigOf, suite } from './cluster.ts';
import { Kubectl } from './kubectl.ts';
import type { KubeObject } from './kubectl.ts';
import { apiServiceName, Kylon } from './kylon.ts';
import { backup, backups, complete, configMap, namespace } from './objects.ts';
import { eventually } from './process.ts';
import { Proxy } from './proxy.ts';

const cluster = findCluster();
export const kubeconfig = kubeconfigOf(cluster);
export const acceptance = suite('acceptance', cluster);

/** A selection that is quickly done. */
export const small = { includedResources: ['configmaps'] };

/** Sets up and clears away around the suite that calls it. `before` runs when nothing of Kylon is registered yet. */
export function acceptanceBed(ns: string, before: (proxy: Proxy) => Promise<void> = () => Promise.resolve()) {
  const kubectl = new Kubectl(kubeconfig);
  const bed: { kylon?: Kylon; proxy?: Proxy } = {};

  beforeAll(async () => {
    await kubectl.run(['delete', 'apiservice', apiServiceName, '--ignore-not-found']);
    await kubectl.run(['delete', 'namespace', ns, '--ignore-not-found']);
    await kubectl.run(['create', '-f', '-'], [namespace(ns), configMap(ns, 'one'), configMap(ns, 'two')]);
    bed.proxy = await Proxy.start(kubectl);
    await before(bed.proxy);
    bed.kylon = await Kylon.beside(kubeconfig);
    await Promise.all(['/openapi/v2', '/openapi/v3'].map((document) => mentions(kubectl, document)));
  });
  afterAll(async () => {
    await bed.kylon?.stop();
    await bed.proxy?.stop();
    await kubectl.run(['delete', 'namespace', ns, '--ignore-not-found']);
  });

  const create = (object: KubeObject) => kubectl.run(['create', '-f', '-'], object);
  return {
    kubectl,
    create,
    inNs: (...args: string[]) => [...args, '-n', ns],
    send: async (...args: Parameters<Proxy['send']>) => {
      if (!bed.proxy) throw new Error('kubectl proxy is not up');
      return bed.proxy.send(...args);
    },
    process: () => bed.kylon?.process,
    /** As kubectl proxy serves it, for answers that do not end. */
    address: () => bed.proxy?.address ?? '',
    /** A Backup that is done, so that nothing but the test changes it. */
    finished: async (name: string, spec: object = small, labels: Record<string, string> = {}) => {
      await create(backup(ns, name, spec, labels));
      return complete(kubectl, backups, { namespace: ns, name });
    },
    versionOf: async (name: string) => (await kubectl.get(backups, name, '-n', ns)).metadata.resourceVersion,
  };
}

/** kube-apiserver fetches the documents of an API in its own time; until then kubectl knows less than there is. */
const mentions = (kubectl: Kubectl, document: string) =>
  eventually(async () => (await kubectl.run(['get', '--raw', document])).includes('kylon'), 90_000);
