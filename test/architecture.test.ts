/** The layout of src/ as a rule: which folder may import which, where each SDK lives, and who may tell the time. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const src = resolve(import.meta.dirname, '../src');

/** Lowest first: a folder imports only those named, and itself. */
const mayImport: Record<string, readonly string[]> = {
  base: [],
  objectstore: ['base'],
  cluster: ['base'],
  machinery: ['base'],
  resources: ['machinery', 'base'],
  catalog: ['machinery', 'objectstore', 'base'],
  auth: ['machinery', 'cluster', 'base'],
  repository: ['objectstore', 'base'],
  engine: ['resources', 'machinery', 'objectstore', 'repository', 'cluster', 'base'],
  server: ['machinery', 'auth', 'base'],
  cli: ['engine', 'catalog', 'resources', 'machinery', 'cluster', 'objectstore', 'base'],
};

const homeOf: Record<string, string> = {
  express: 'server',
  'node-forge': 'server',
  '@kubernetes/client-node': 'cluster',
  level: 'catalog',
  pino: 'base',
  'prom-client': 'base',
  commander: 'cli',
  'openapi3-ts': 'machinery',
};

const banned: readonly [RegExp, string][] = [
  [/\bDate\.now\(|new Date\(\)/, 'time comes from base/clock.ts'],
  [/\bMath\.random\(|\brandomUUID\(|\brandomBytes\(/, 'ids and randomness come from base/ids.ts'],
  [/@ts-(ignore|expect-error|nocheck)|\bas any\b/, 'types are not silenced'],
];

const files = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => ({ name, folder: name.includes('/') ? (name.split('/')[0] ?? '') : '', text: readFileSync(join(src, name), 'utf8') }));

const importsOf = (text: string) => [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map((match) => match[1] ?? '');
const packageOf = (specifier: string) =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');

function breachesOf({ name, folder, text }: (typeof files)[number]): string[] {
  const allowed = [folder, ...(mayImport[folder] ?? [])];
  return importsOf(text).flatMap((specifier) => {
    if (!specifier.startsWith('.')) {
      const home = homeOf[packageOf(specifier)];
      return home && home !== folder ? [`${name}: ${specifier} belongs in src/${home}`] : [];
    }
    const target = relative(src, resolve(src, dirname(name), specifier));
    const into = target.includes('/') ? (target.split('/')[0] ?? '') : '(top)';
    return folder === '' || allowed.includes(into) ? [] : [`${name}: src/${folder} may not import src/${into}`];
  });
}

describe('architecture', () => {
  it('sees the code', () => {
    expect(files.length).toBeGreaterThan(60);
    for (const folder of Object.keys(mayImport))
      expect(
        files.some((file) => file.folder === folder),
        `src/${folder} has files`,
      ).toBe(true);
  });

  it('has only the folders of the design', () => {
    expect(files.filter(({ folder }) => folder !== '' && !(folder in mayImport)).map(({ name }) => name)).toEqual([]);
  });

  it('imports downwards, and each SDK from its home', () => {
    expect(files.flatMap(breachesOf)).toEqual([]);
  });

  it('loads an SDK of an object store only in its provider', () => {
    const sdk = /'(@aws-sdk\/|@azure\/|@google-cloud\/)/;
    expect(
      files
        .filter(({ name, text }) => sdk.test(text) && !/^objectstore\/(s3|azure|gcs)\/[a-z0-9-]+\.ts$/.test(name))
        .map(({ name }) => name),
    ).toEqual([]);
  });

  it('tells the time and makes ids in base only, and silences no types', () => {
    const breaches = files
      .filter(({ folder }) => folder !== 'base')
      .flatMap(({ name, text }) => banned.filter(([pattern]) => pattern.test(text)).map(([, rule]) => `${name}: ${rule}`));
    expect(breaches).toEqual([]);
  });

  it('has no catch-all names', () => {
    expect(
      files
        .filter(({ name }) => /(^|\/)(index|utils?|common|helpers?|shared|misc)(\.ts|\/)/.test(name) || /Manager/.test(name))
        .map(({ name }) => name),
    ).toEqual([]);
  });

  it('would see a breach', () => {
    expect(breachesOf({ name: 'base/bad.ts', folder: 'base', text: "import { x } from '../engine/engine.ts';" })).toHaveLength(1);
    expect(breachesOf({ name: 'engine/bad.ts', folder: 'engine', text: "import express from 'express';" })).toHaveLength(1);
  });
});
