/** What suites about users begin and end with: the roles for them, namespaces as their controllers have prepared them, Kylon beside the cluster. */
import { resolve } from 'node:path';
import { repository } from './cluster.ts';
import type { Kubectl } from './kubectl.ts';
import { apiServiceName, Kylon } from './kylon.ts';
import { namespace } from './objects.ts';
import { eventually } from './process.ts';

const userRoles = resolve(repository, 'manifests/user-roles.yaml');

export async function setUp(kubectl: Kubectl, kubeconfig: string, names: readonly string[]): Promise<Kylon> {
  await tearDown(kubectl, names);
  await kubectl.run(['apply', '-f', userRoles]);
  await kubectl.run(
    ['create', '-f', '-'],
    names.map((name) => namespace(name)),
  );
  for (const name of names)
    await eventually(
      async () => (await kubectl.try(['get', 'serviceaccount/default', 'configmap/kube-root-ca.crt', '-n', name])).code === 0,
    );
  return Kylon.beside(kubeconfig);
}

/** Of this suite or of one that was cut short. */
export async function tearDown(kubectl: Kubectl, names: readonly string[]): Promise<void> {
  await kubectl.try(['delete', 'apiservice', apiServiceName, '--ignore-not-found']);
  await kubectl.try(['delete', '-f', userRoles, '--ignore-not-found']);
  await kubectl.run(['delete', 'namespace', ...names, '--ignore-not-found']);
}
