/** schemathesis takes Kylon's own OpenAPI at its word: whatever the document allows and forbids, no 5xx, and no answer that it does not know. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { repository, suite } from './cluster.ts';
import { temporaryFolder } from './folder.ts';
import { Kubectl } from './kubectl.ts';
import { Kylon } from './kylon.ts';
import { backup, backups, complete, restore } from './objects.ts';
import { run } from './process.ts';
import { findPython, preparePython } from './python.ts';

const folder = join(repository, 'test/clients/schemathesis');
const group = '/apis/backup.kylon.io/v1alpha1';
/** What they come to is done in a minute by a quiet machine; a busy one does what it can in three. */
const examples = 10;
const seconds = 180;
const seed = process.env['KYLON_TEST_FUZZ_SEED'] ?? '1';
/** As hooks.py knows them. */
const known = 40;
const checks = ['not_a_server_error', 'status_code_conformance', 'content_type_conformance', 'response_schema_conformance'];

const python = await findPython();
const { title, options } = suite('schemathesis', 'missing' in python ? python : { kubeconfig: '' });

describe(title, options, () => {
  let bin = '';
  beforeAll(async () => {
    bin = await preparePython(python, folder);
  });

  it('finds no 5xx and no answer that the document does not know', { timeout: 400_000 }, async () => {
    const kylon = await Kylon.playground();
    await populate(new Kubectl(kylon.kubeconfig));
    const { url, ca, cert, key } = accessOf(kylon.kubeconfig);
    const access = `--tls-verify ${ca} --request-cert ${cert} --request-cert-key ${key}`;
    const effort = `--checks ${checks.join()} --seed ${seed} --max-examples ${examples} --max-time ${seconds} --request-timeout 10 --continue-on-failure`;
    const args = `run ${url}/openapi/v3${group} --url ${url} ${access} ${effort} --generation-database none --no-color`;
    const env = { SCHEMATHESIS_HOOKS: 'hooks', PYTHONPATH: folder, PYTHONDONTWRITEBYTECODE: '1' };
    const { code, stdout, stderr } = await run(join(bin, 'st'), args.split(' '), { env, timeout: (seconds + 120) * 1000 });
    expect(code, `${stdout}\n${stderr}`).toBe(0);
    const [, tested = 0, all = 0] = /Selected: (\d+)\/(\d+)/.exec(stdout) ?? [];
    expect(Number(tested)).toBe(Number(all));
    expect(Number(tested)).toBeGreaterThan(20);
    expect(Number(/(\d+) generated/.exec(stdout)?.[1])).toBeGreaterThan(1000);
    await kylon.stop();
  });
});

async function populate(kubectl: Kubectl): Promise<void> {
  const spec = { includedResources: ['configmaps'] };
  await kubectl.run(['create', '-f', '-'], backup('shop', 'known-0', spec));
  await complete(kubectl, backups, { namespace: 'shop', name: 'known-0' });
  const names = Array.from({ length: known }, (_, n) => `known-${n}`);
  await kubectl.run(
    ['create', '-f', '-'],
    [
      ...names.slice(1).map((name) => backup('shop', name, spec)),
      ...names.map((name) => restore('shop', name, 'known-0', { dryRun: true })),
    ],
  );
}

function accessOf(kubeconfig: string) {
  const { clusters, users } = parse(readFileSync(kubeconfig, 'utf8')) as {
    clusters: { cluster: Record<string, string> }[];
    users: { user: Record<string, string> }[];
  };
  const to = temporaryFolder();
  const save = (name: string, base64 = '') => {
    writeFileSync(join(to, name), Buffer.from(base64, 'base64'), { mode: 0o600 });
    return join(to, name);
  };
  return {
    url: clusters[0]?.cluster['server'] ?? '',
    ca: save('ca.crt', clusters[0]?.cluster['certificate-authority-data']),
    cert: save('client.crt', users[0]?.user['client-certificate-data']),
    key: save('client.key', users[0]?.user['client-key-data']),
  };
}
