/** An encrypted store as its operator meets it: new keys, a restart without them, and nothing to read for who has the store alone. */
import { createHash } from 'node:crypto';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { repository } from './cluster.ts';
import { temporaryFolder } from './folder.ts';
import { Kubectl } from './kubectl.ts';
import type { KubeObject } from './kubectl.ts';
import { Kylon } from './kylon.ts';
import { backup, backups, complete, configMap, path, restore } from './objects.ts';
import { run } from './process.ts';
import { Proxy } from './proxy.ts';

type Playground = Kylon & { readonly kubeconfig: string };

const namespace = 'default';

describe('an encrypted store', () => {
  const data = temporaryFolder();
  const keys = join(temporaryFolder(), 'keys');
  const flags = ['--encryption-keys', keys];
  let kylon: Playground;
  let kubectl: Kubectl;
  let sha256: unknown;

  afterAll(() => kylon?.discard());

  async function start(): Promise<void> {
    kylon = await Kylon.playground({ data, flags });
    kubectl = new Kubectl(kylon.kubeconfig);
  }

  async function download(name: string): Promise<string> {
    const proxy = await Proxy.start(kubectl);
    try {
      const { status, bytes } = await proxy.send('GET', path(namespace, `backups/${name}/download`));
      expect(status).toBe(200);
      return createHash('sha256').update(bytes).digest('hex');
    } finally {
      await proxy.stop();
    }
  }

  /** What its standard error says when it starts with these flags, which it should not. */
  async function refusal(given: readonly string[]): Promise<string> {
    const refused = Kylon.launch({ data, flags: given });
    await expect(refused.process.waitFor(/^export KUBECONFIG=/m, 30_000)).rejects.toThrow();
    expect(refused.process.child.exitCode, refused.process.output()).toBe(1);
    return refused.process.stderr;
  }

  it('takes a key that Kylon has made, and gives archives as ever', async () => {
    writeFileSync(keys, await newKey('one'));
    await start();
    await kubectl.run(['create', '-f', '-'], configMap(namespace, 'recognizable', { key: 'recognizable' }));
    await kubectl.run(['create', '-f', '-'], backup(namespace, 'recognizable'));
    const { status } = await complete(kubectl, backups, { namespace, name: 'recognizable' });
    sha256 = (status?.['archive'] as { sha256: string } | undefined)?.sha256;
    expect(await download('recognizable')).toBe(sha256);
    await kylon.stop();
    expect(await magics()).toEqual(['KYE1one']);
  });

  it('goes over to a new key, and reads with the old one', async () => {
    writeFileSync(keys, `${await newKey('two')}# before that\n${readFileSync(keys, 'utf8')}`);
    await start();
    expect(await download('recognizable')).toBe(sha256);
    await kubectl.run(['delete', 'configmap', 'recognizable', '-n', namespace]);
    await kubectl.run(['create', '-f', '-'], restore(namespace, 'back', 'recognizable'));
    await complete(kubectl, 'restores.backup.kylon.io', { namespace, name: 'back' });
    expect(await kubectl.get('configmap', 'recognizable', '-n', namespace)).toMatchObject({ data: { key: 'recognizable' } });
    await kylon.stop();
    expect(await magics()).toEqual(['KYE1one', 'KYE1two']);
  });

  it('shows nothing to somebody who has the store alone', async () => {
    for (const file of await objects()) expect(readFileSync(file).includes('recognizable'), file).toBe(false);
    expect(JSON.parse(readFileSync(join(data, 'store/kylon.json'), 'utf8'))).toMatchObject({ encryption: 'AES-256-GCM' });
  });

  it('does not open without its keys, and says why in a sentence', async () => {
    expect(await refusal([])).toBe(
      `kylon: kylon.json: file://${data}/store is encrypted: give the file with its keys by --encryption-keys\n`,
    );
    const other = join(temporaryFolder(), 'keys');
    const line = await newKey('three');
    writeFileSync(other, line);
    const stderr = await refusal(['--encryption-keys', other]);
    expect(stderr).toMatch(
      /^kylon: d\/playground\/\S+ is encrypted with the key "(one|two)", which is not among those given \(three\): add it/,
    );
    expect(stderr).not.toContain(line.slice(-20).trim());
    writeFileSync(other, 'not a key');
    expect(await refusal(['--encryption-keys', other])).toBe(`kylon: ${other}: line 1 has no colon: a key is NAME:BASE64\n`);
  });

  it('opens again with them', async () => {
    await start();
    expect(await download('recognizable')).toBe(sha256);
    await kylon.stop();
  });

  it('has further stores encrypted with the same keys, which are open again after a restart', async () => {
    await start();
    const url = pathToFileURL(join(data, 'stores/second')).href;
    const apiVersion = 'backup.kylon.io/v1alpha1';
    await kubectl.run(['create', '-f', '-'], { apiVersion, kind: 'BackupStore', metadata: { name: 'second' }, spec: { url } });
    await kubectl.run(['create', '-f', '-'], backup(namespace, 'there', { storeName: 'second' }));
    const { status } = await complete(kubectl, backups, { namespace, name: 'there' });
    const { archive } = status as { archive: { sha256: string } };
    await kylon.stop();
    await start();
    expect(await download('there')).toBe(archive.sha256);
    await kylon.stop();
    const files = await objects('stores/second/d');
    expect(files).toHaveLength(4);
    for (const file of files) {
      expect(readFileSync(file).subarray(0, 4).toString(), file).toBe('KYE1');
      expect(readFileSync(file).includes('recognizable'), file).toBe(false);
    }
  });

  async function objects(folder = 'store'): Promise<string[]> {
    return (await run('find', [join(data, folder), '-type', 'f'])).stdout.trim().split('\n');
  }

  /** How the encrypted objects begin, each way once. */
  async function magics(): Promise<string[]> {
    const files = (await objects()).filter((file) => file.startsWith(join(data, 'store/d/')));
    const starts = files.map((file) => readFileSync(file).toString('latin1', 0, 36).replaceAll('\0', ''));
    return [...new Set(starts)].sort();
  }
});

describe('a store that is not encrypted', () => {
  it('is not half encrypted afterwards', async () => {
    const data = temporaryFolder();
    const keys = join(data, 'keys');
    await (await Kylon.playground({ data })).stop();
    writeFileSync(keys, await newKey('one'));
    const refused = Kylon.launch({ data, flags: ['--encryption-keys', keys] });
    await expect(refused.process.waitFor(/^export KUBECONFIG=/m, 30_000)).rejects.toThrow();
    expect(refused.process.child.exitCode).toBe(1);
    expect(refused.process.stderr).toContain(`file://${data}/store is not encrypted`);
  });
});

describe('the manifests of encryption', () => {
  it('mount the Secret where the flag says', async () => {
    const folder = temporaryFolder();
    cpSync(resolve(repository, 'manifests'), folder, { recursive: true });
    const file = join(folder, 'kustomization.yaml');
    writeFileSync(file, readFileSync(file, 'utf8').replace(/^(# )?components:.*$/m, '') + 'components: [encryption]\n');
    const { stdout, stderr } = await run('kubectl', ['kustomize', folder]);
    expect(stderr).toBe('');
    const built = parseAllDocuments(stdout).map((document) => document.toJS() as KubeObject);
    const template = built.find(({ kind }) => kind === 'Deployment')?.spec?.['template'] as PodTemplate | undefined;
    const [container] = template?.spec.containers ?? [];
    const mount = container?.volumeMounts.find(({ name }) => name === 'encryption');
    expect(container?.env).toContainEqual({ name: 'KYLON_ENCRYPTION_KEYS', value: `${mount?.mountPath}/keys` });
    expect(container?.env.map(({ name }) => name)).toContain('KYLON_STORE');
    expect(template?.spec.volumes).toContainEqual({ name: 'encryption', secret: { secretName: 'kylon-encryption', defaultMode: 0o440 } });
  });
});

interface PodTemplate {
  readonly spec: {
    readonly volumes: readonly object[];
    readonly containers: readonly {
      readonly env: readonly { readonly name: string; readonly value?: string }[];
      readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
    }[];
  };
}

/** A line for the file of keys. */
async function newKey(name: string): Promise<string> {
  const { code, stdout, stderr } = await run(resolve(repository, 'node_modules/.bin/node'), [
    resolve(repository, 'src/cli/kylon.ts'),
    'keys',
    'generate',
    name,
  ]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}
