/** Why kube-apiserver does not pass the API on: every cause that can be made on a real cluster, and the line in which Kylon names it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { authority, issue } from '../auth/pki.ts';
import { answering, endingTls } from './between.ts';
import { findCluster, kubeconfigOf, suite } from './cluster.ts';
import { Kubectl } from './kubectl.ts';
import { apiServiceName, Kylon, portOf } from './kylon.ts';
import { gone, isGone, path } from './objects.ts';
import { eventually } from './process.ts';

const cluster = findCluster();
const availability = suite('availability', cluster);
const definition = 'holders.backup.kylon.io';

describe(availability.title, availability.options, () => {
  const kubectl = new Kubectl(kubeconfigOf(cluster));
  const ca = authority('between-ca');
  const fitting = issue(ca, { cn: 'between', usage: 'server', dnsNames: ['kylon.kube-system.svc'] });
  let kylon: Kylon;
  let port: number;

  beforeAll(async () => {
    await tidy();
    kylon = await Kylon.beside(kubeconfigOf(cluster));
    port = await portOf(kubectl);
  });
  afterAll(async () => {
    await kylon?.stop();
    await tidy();
  });

  async function tidy(): Promise<void> {
    await removeDefinition();
    await kubectl.run(['delete', 'apiservice', apiServiceName, '--ignore-not-found']);
    await kubectl.run(['delete', 'service', 'kylon', '-n', 'kube-system', '--ignore-not-found']);
  }

  /** The cluster's own finalizer holds it for minutes, once in many runs; that is not what is tested here. */
  async function removeDefinition(): Promise<void> {
    await kubectl.run(['delete', 'crd', definition, '--ignore-not-found', '--wait=false']);
    await eventually(() => isGone(kubectl, 'crd', definition), 240_000);
  }

  /** The sentence that the log says once `change` is made. */
  async function told(change: () => Promise<unknown>): Promise<string> {
    const before = kylon.process.stderr.length;
    await change();
    return eventually(async () => {
      const [line] = kylon.process.stderr
        .slice(before)
        .split('\n')
        .filter((text) => text.includes(apiServiceName));
      return line && (JSON.parse(line) as { msg: string }).msg;
    }, 45_000);
  }

  const pointTo = (spec: object) => kubectl.run(['patch', 'apiservice', apiServiceName, '--type=merge', '-p', JSON.stringify({ spec })]);
  const toPort = (other: number, bundle = ca.cert) => pointTo({ caBundle: btoa(bundle), service: { port: other } });
  const makeService = async (spec: object) => {
    await kubectl.run(['delete', 'service', 'kylon', '-n', 'kube-system', '--ignore-not-found']);
    await kubectl.run(['create', '-f', '-'], {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'kylon', namespace: 'kube-system' },
      spec,
    });
  };

  it('no Service', async () => {
    expect(await told(() => kubectl.run(['delete', 'service', 'kylon', '-n', 'kube-system']))).toContain(
      '(ServiceNotFound): there is no Service kube-system/kylon: create it',
    );
  });

  it('a Service without that port', async () => {
    expect(await told(() => makeService({ ports: [{ name: 'https', port: 443 }] }))).toContain(
      '(ServicePortError): Service kube-system/kylon does not have the port that the APIService names',
    );
  });

  it('a Service without endpoints', async () => {
    expect(await told(() => pointTo({ service: { port: 443 } }))).toContain(
      '(EndpointsNotFound): Service kube-system/kylon has no endpoints',
    );
  });

  it('a Service without a ready pod', async () => {
    const selector = JSON.stringify({ spec: { selector: { app: 'kylon-e2e-none' } } });
    expect(await told(() => kubectl.run(['patch', 'service', 'kylon', '-n', 'kube-system', '-p', selector]))).toContain(
      '(MissingEndpoints): no pod is ready behind Service kube-system/kylon',
    );
  });

  it('an authority that is not in the caBundle', async () => {
    const said = await told(async () => {
      await makeService({ type: 'ExternalName', externalName: 'localhost' });
      await toPort(port);
    });
    expect(said).toContain('(FailedDiscoveryCheck): the serving certificate is not signed by an authority of spec.caBundle');
  });

  it('a certificate for another name', async () => {
    const other = issue(ca, { cn: 'between', usage: 'server', dnsNames: ['kylon.other.svc', 'localhost'] });
    const elsewhere = await answering(other, (_, response) => response.end('{}'));
    expect(await told(() => toPort(elsewhere))).toMatch(
      /the serving certificate is for kylon\.other\.svc, localhost.* and not for kylon\.kube-system\.svc: make one/,
    );
  });

  it('no client certificate, because something ends TLS', async () => {
    const ending = await endingTls(fitting, () => port);
    expect(await told(() => toPort(ending))).toContain('Kylon answered 403, because no client certificate came with the question');
  });

  it('a client certificate that is not the front proxy\u2019s', async () => {
    const mesh = issue(authority('mesh-ca'), { cn: 'mesh-sidecar' });
    const ending = await endingTls(fitting, () => port, mesh);
    expect(await told(() => toPort(ending))).toContain(
      'Kylon answered 401 to a client certificate of the common name "mesh-sidecar", issued by "mesh-ca"',
    );
  });

  it('a server that answers something else', async () => {
    const other = await answering(fitting, (_, response) => response.writeHead(404).end());
    expect(await told(() => toPort(other))).toContain('answers 404');
  });

  it('no answer in time', async () => {
    const silent = await answering(fitting, () => {});
    expect(await told(() => toPort(silent))).toContain('no answer within 5 s by way of Service kube-system/kylon');
  });

  it('nobody who listens', async () => {
    expect(await told(() => toPort(1))).toContain('nobody listens behind Service kube-system/kylon');
    expect(await kubectl.fails(['get', '--raw', path('default', 'backups')])).toContain('Error from server (ServiceUnavailable)');
  });

  it('another server\u2019s Service', async () => {
    expect(await told(() => pointTo({ service: { namespace: 'default', name: 'kylon' } }))).toContain(
      'belongs to another server, behind Service default/kylon, and not to this one, behind kube-system/kylon',
    );
  });

  it('no APIService', async () => {
    expect(await told(() => kubectl.run(['delete', 'apiservice', apiServiceName]))).toContain(
      `APIService ${apiServiceName} does not exist`,
    );
  });

  it('a CustomResourceDefinition of the same group and version, which a new Kylon leaves alone', { timeout: 420_000 }, async () => {
    expect(await told(() => kubectl.run(['create', '-f', '-'], holder))).toContain('belongs to a CustomResourceDefinition');
    const refused = Kylon.launch({ flags: ['--kubeconfig', kubeconfigOf(cluster)] });
    await eventually(async () => refused.process.ended);
    expect(refused.process.child.exitCode).toBe(1);
    expect(refused.process.stderr).toMatch(/^kylon: APIService .* belongs to a CustomResourceDefinition of the group backup\.kylon\.io/m);
    await removeDefinition();
    await gone(kubectl, 'apiservice', apiServiceName);
  });

  it('none any more: another Kylon has taken over, and the first takes nothing of it away', async () => {
    const other = await Kylon.beside(kubeconfigOf(cluster));
    const its = await portOf(kubectl);
    expect(its).not.toBe(port);
    await kylon.stop();
    expect(await portOf(kubectl)).toBe(its);
    await other.stop();
    expect(await kubectl.run(['get', 'apiservice', apiServiceName, '--ignore-not-found'])).toBe('');
  });
});

const holder = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: definition },
  spec: {
    group: 'backup.kylon.io',
    scope: 'Namespaced',
    names: { plural: 'holders', singular: 'holder', kind: 'Holder' },
    versions: [{ name: 'v1alpha1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
  },
};
