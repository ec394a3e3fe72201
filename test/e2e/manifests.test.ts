/** What operators apply, by server-side dry run: valid for the real API server, and fit for a restricted namespace. */
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { findCluster, kubeconfigOf, repository, suite } from './cluster.ts';
import { temporaryFolder } from './folder.ts';
import { Kubectl } from './kubectl.ts';
import type { KubeObject } from './kubectl.ts';
import { run } from './process.ts';

const cluster = findCluster();
const manifests = suite('manifests', cluster);
const at = (file: string) => resolve(repository, file);

describe(manifests.title, manifests.options, () => {
  const kubectl = new Kubectl(kubeconfigOf(cluster));
  const dryRun = ['apply', '--server-side', '--dry-run=server'];
  let objects: KubeObject[];

  beforeAll(async () => {
    await kubectl.run(['apply', '--server-side', '-f', at('manifests/namespace.yaml')]);
    const built = await kubectl.run(['kustomize', at('manifests')]);
    objects = parseAllDocuments(built).map((document) => document.toJS() as KubeObject);
  });
  afterAll(async () => {
    await kubectl.run(['delete', '-f', at('manifests/namespace.yaml')]);
  });
  const find = (kind: string) => objects.find((object) => object.kind === kind);
  const podTemplate = () => find('Deployment')?.spec?.['template'] as PodTemplate;

  it('are taken by the API server, without a warning', async () => {
    const { code, stdout, stderr } = await kubectl.try([...dryRun, '-k', at('manifests')]);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout.trim().split('\n')).toHaveLength(objects.length);
  });

  it('have a form for object storage, without a volume', async () => {
    const folder = temporaryFolder();
    cpSync(at('manifests'), folder, { recursive: true });
    const file = join(folder, 'kustomization.yaml');
    writeFileSync(file, readFileSync(file, 'utf8').replace('# components:', 'components:'));
    const { code, stdout, stderr } = await kubectl.try([...dryRun, '-k', folder]);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout.trim().split('\n')).toHaveLength(objects.length - 1);
    const built = parseAllDocuments(await kubectl.run(['kustomize', folder]));
    const deployment = built.map((document) => document.toJS() as KubeObject).find(({ kind }) => kind === 'Deployment');
    const template = deployment?.spec?.['template'] as PodTemplate | undefined;
    expect(template?.spec.volumes.map(({ name }) => name)).toEqual(['data', 'tmp', 'tls']);
    expect(template?.spec.containers[0]?.env.find(({ name }) => name === 'KYLON_STORE')?.value).toMatch(/^s3:/);
  });

  it('hold every file of their folder', () => {
    const { resources } = parse(readFileSync(at('manifests/kustomization.yaml'), 'utf8')) as { resources: string[] };
    for (const file of resources) expect(existsSync(at(`manifests/${file}`)), file).toBe(true);
    expect(objects.filter(({ kind }) => kind === 'Deployment')).toHaveLength(1);
  });

  it('make pods that a restricted namespace takes', async () => {
    const template = podTemplate();
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { ...template.metadata, name: 'kylon', namespace: 'kylon-system' },
      spec: template.spec,
    };
    await kubectl.run(['create', 'serviceaccount', 'kylon', '-n', 'kylon-system']);
    const { code, stderr } = await kubectl.try(['create', '--dry-run=server', '-f', '-'], pod);
    expect(stderr).toBe('');
    expect(code).toBe(0);
  });

  it.each([
    { group: '', resource: 'users' },
    { group: '', resource: 'groups' },
    { group: 'authentication.k8s.io', resource: 'uids' },
    { group: 'authentication.k8s.io', resource: 'userextras', subresource: 'authentication.kubernetes.io/credential-id' },
  ])('let Kylon restore as the user who asked for it: impersonate $resource', async (what) => {
    const resourceAttributes = { verb: 'impersonate', name: 'any', ...what };
    const spec = { user: 'system:serviceaccount:kylon-system:kylon', groups: ['system:authenticated'], resourceAttributes };
    const review = { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', metadata: {}, spec };
    await kubectl.run(['apply', '--server-side', '-f', at('manifests/server-rights.yaml')]);
    const verdict = await kubectl.run(['create', '-f', '-', '-o', 'jsonpath={.status.allowed}'], review);
    await kubectl.run(['delete', '-f', at('manifests/server-rights.yaml')]);
    expect(verdict).toBe('true');
  });

  it('make a serving certificate for the Service, with its authority', async () => {
    const { stdout, stderr, code } = await run(at('manifests/serving-certificate'), []);
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
    const { data } = parse(stdout) as { data: Record<string, string> };
    const [leaf, authority] = ['tls.crt', 'ca.crt'].map((name) => new X509Certificate(Buffer.from(data[name] ?? '', 'base64')));
    expect(leaf?.checkHost('kylon.kylon-system.svc')).toBe('kylon.kylon-system.svc');
    expect(authority && leaf?.verify(authority.publicKey)).toBe(true);
    await kubectl.run([...dryRun, '-f', '-'], stdout);
  });

  it('register the API once the caBundle is filled, and not before', async () => {
    const text = readFileSync(at('apiservice/apiservice.yaml'), 'utf8');
    expect(await kubectl.fails([...dryRun, '-f', '-'], text)).toMatch(/base64/);
    const { stdout } = await run(at('manifests/serving-certificate'), []);
    const { data } = parse(stdout) as { data: Record<string, string> };
    await kubectl.run([...dryRun, '-f', '-'], text.replace('CA_BUNDLE', data['ca.crt'] ?? ''));
    const { spec } = parse(text) as KubeObject;
    const service = find('Service');
    expect(spec?.['service']).toMatchObject({ name: service?.metadata.name, namespace: service?.metadata.namespace, port: 443 });
    expect(spec?.['groupPriorityMinimum']).toBeLessThanOrEqual(2000);
  });

  it('name the port of the Service as that of the pods', () => {
    const [container] = podTemplate().spec.containers;
    expect(find('Service')?.spec?.['ports']).toEqual([{ name: 'https', port: 443, targetPort: 'https' }]);
    expect(container?.ports).toEqual([{ name: 'https', containerPort: 8443, protocol: 'TCP' }]);
  });

  it('pass only flags that Kylon has', async () => {
    const help = (await run(at('node_modules/.bin/node'), [at('src/main.ts'), '--help'])).stdout;
    const [container] = podTemplate().spec.containers;
    for (const arg of container?.args ?? []) expect(help).toContain(`  ${arg.replace(/=.*/, '')} `);
    for (const { name } of (container?.env ?? []).filter(({ name }) => name.startsWith('KYLON_')))
      expect(help).toContain(`  --${name.replace('KYLON_', '').toLowerCase().replaceAll('_', '-')} `);
  });
});

interface PodTemplate {
  readonly metadata: object;
  readonly spec: {
    readonly containers: readonly {
      readonly ports: object[];
      readonly args: string[];
      readonly env: { readonly name: string; readonly value?: string }[];
    }[];
    readonly volumes: readonly { readonly name: string }[];
  };
}
