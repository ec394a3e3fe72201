import { describe, expect, it } from 'vitest';
import type { GroupVersion } from '../../../src/machinery/description/group-versions.ts';
import { groupsOf } from '../../../src/machinery/description/group-versions.ts';
import { openapiV2 } from '../../../src/machinery/description/openapi-v2.ts';
import { openapiV3 } from '../../../src/machinery/description/openapi-v3.ts';
import { kylonResources, playgroundResources } from '../../../src/resources/resources.ts';

const versions = (definitions: typeof kylonResources): GroupVersion[] => groupsOf(definitions).flatMap(({ versions }) => [...versions]);
const plain = (value: unknown) => JSON.parse(JSON.stringify(value)) as Node;
interface Node {
  readonly [key: string]: Node;
}

const kylon = versions(kylonResources);
const v3 = plain(openapiV3(kylon[0] as GroupVersion));
const v2 = plain(openapiV2(kylon.map(openapiV3)));
const everything = plain(openapiV2(versions([...kylonResources, ...playgroundResources]).map(openapiV3)));

/** Every value under `key`, at any depth, but not where `key` is the name of a property. */
function all(key: string, value: unknown, inside = ''): unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, item]) => [
    ...(name === key && inside !== 'properties' ? [item] : []),
    ...all(key, item, name),
  ]);
}

const operationsOf = (document: Node) =>
  Object.values(document['paths'] as object).flatMap((item: object) => Object.entries(item).filter(([method]) => method !== 'parameters'));

const collection = '/apis/backup.kylon.io/v1alpha1/namespaces/{namespace}/backups';

describe('OpenAPI v3', () => {
  it('says of schemas which kinds they are, as a list, and of operations, as one', () => {
    const gvk = { group: 'backup.kylon.io', version: 'v1alpha1', kind: 'Backup' };
    expect(v3['components']?.['schemas']?.['io.kylon.backup.v1alpha1.Backup']?.['x-kubernetes-group-version-kind']).toEqual([gvk]);
    for (const schema of Object.values(v3['components']?.['schemas'] ?? {}))
      if ('x-kubernetes-group-version-kind' in schema) expect(schema['x-kubernetes-group-version-kind']).toHaveLength(1);
    for (const [, operation] of operationsOf(v3))
      expect(operation['x-kubernetes-group-version-kind']).toMatchObject({ group: gvk.group, version: gvk.version });
    expect(v3['paths']?.[`${collection}/{name}`]?.['patch']?.['x-kubernetes-group-version-kind']).toEqual(gvk);
  });

  it('offers exactly the patches that there are', () => {
    const patches = operationsOf(v3).filter(([method]) => method === 'patch');
    expect(patches).toHaveLength(2 * kylonResources.length);
    for (const [, { requestBody }] of patches)
      expect(Object.keys(requestBody.content)).toEqual(['application/json-patch+json', 'application/merge-patch+json']);
  });

  it('lets clients ask for validation on every write', () => {
    const item = v3['paths']?.[`${collection}/{name}`];
    for (const operation of [v3['paths']?.[collection]?.['post'], item?.['put'], item?.['patch']])
      expect(all('name', operation?.['parameters'])).toEqual(['dryRun', 'fieldManager', 'fieldValidation']);
  });

  it('says that whatever is no success is a Status, and that a deletion answers either that or the object', () => {
    const status = { $ref: '#/components/schemas/io.kylon.backup.v1alpha1.Status' };
    for (const [, { responses }] of operationsOf(v3)) {
      expect(responses.default.content).toEqual({ 'application/json': { schema: status } });
      expect(responses['401'].content).toEqual(responses.default.content);
    }
    const deletion = v3['paths']?.[`${collection}/{name}`]?.['delete']?.['responses']?.['200']?.['content']?.['application/json'];
    expect(deletion?.['schema']).toEqual({ anyOf: [status, { $ref: '#/components/schemas/io.kylon.backup.v1alpha1.Backup' }] });
    expect(all('anyOf', v2)).toEqual([]);
  });

  it('has an action for everything that can be done', () => {
    const actions = operationsOf(v3).map(([, operation]) => operation['x-kubernetes-action'] as string);
    expect([...new Set(actions)].toSorted()).toEqual(['delete', 'deletecollection', 'get', 'list', 'patch', 'post', 'put']);
    const ids = operationsOf(v3).map(([, { operationId }]) => operationId as string);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toContain('createBackupKylonIoV1alpha1NamespacedBackup');
  });

  it('has every path of the kinds and their subresources', () => {
    expect(Object.keys(v3['paths'] ?? {}).filter((path) => /\/backups(\/|$)/.test(path))).toEqual([
      collection,
      '/apis/backup.kylon.io/v1alpha1/backups',
      `${collection}/{name}`,
      `${collection}/{name}/status`,
      `${collection}/{name}/restore`,
      `${collection}/{name}/download`,
      `${collection}/{name}/proxy`,
      `${collection}/{name}/proxy/{path}`,
      `${collection}/{name}/items`,
      `${collection}/{name}/items/{path}`,
      `${collection}/{name}/log`,
      `${collection}/{name}/diff`,
      `${collection}/{name}/verify`,
      `${collection}/{name}/hold`,
    ]);
  });

  it('has names of its own for everything, and no name of Kubernetes', () => {
    for (const name of Object.keys(v3['components']?.['schemas'] ?? {})) expect(name).toMatch(/^io\.kylon\.backup\.v1alpha1\.[A-Z]\w+$/);
  });

  it('has no empty list of parameters, which would not survive the libraries of Kubernetes', () => {
    for (const [, operation] of [...operationsOf(v3), ...operationsOf(v2)]) expect(operation['parameters']).not.toEqual([]);
  });

  it('has a sentence for every schema', () => {
    for (const [name, { description }] of Object.entries(v3['components']?.['schemas'] ?? {}))
      expect(description, name).toMatch(/^[A-Z].+\.$/);
  });

  it('refers to nothing that is not there', () => {
    const names = Object.keys(v3['components']?.['schemas'] ?? {}).map((name) => `#/components/schemas/${name}`);
    const references = all('$ref', v3);
    expect(references.length).toBeGreaterThan(20);
    expect(references.filter((reference) => !names.includes(reference as string))).toEqual([]);
  });
});

describe('OpenAPI v2', () => {
  it.each([
    ['Kylon', v2],
    ['the playground', everything],
  ])('of %s refers to nothing that is not there', (_, document) => {
    const names = Object.keys(document['definitions'] ?? {}).map((name) => `#/definitions/${name}`);
    expect(all('$ref', document).filter((reference) => !names.includes(reference as string))).toEqual([]);
    expect(all('$ref', document).length).toBeGreaterThan(20);
  });

  it('has neither defaults nor anything that only v3 knows', () => {
    expect(all('default', v3['components'])).toEqual(['Skip']);
    expect(all('default', v2['definitions'])).toEqual([]);
    for (const key of ['allOf', 'anyOf', 'requestBody', 'content', 'components']) expect(all(key, v2), key).toEqual([]);
  });

  it('has every path and schema of v3', () => {
    expect(Object.keys(v2['paths'] ?? {})).toEqual(Object.keys(v3['paths'] ?? {}));
    expect(Object.keys(v2['definitions'] ?? {})).toEqual(Object.keys(v3['components']?.['schemas'] ?? {}));
  });

  it('keeps the description beside a reference', () => {
    expect(v2['definitions']?.['io.kylon.backup.v1alpha1.Backup']?.['properties']?.['spec']).toEqual({
      description: expect.stringMatching(/saved/),
      $ref: '#/definitions/io.kylon.backup.v1alpha1.BackupSpec',
    });
  });

  it('has bodies, types and media types where Swagger has them', () => {
    const post = v2['paths']?.[collection]?.['post'];
    expect(post?.['consumes']).toEqual(['application/json', 'application/yaml']);
    expect(post?.['parameters']).toMatchObject([
      { name: 'body', in: 'body', required: true, schema: { $ref: '#/definitions/io.kylon.backup.v1alpha1.Backup' } },
      { name: 'dryRun', in: 'query', type: 'string' },
      {},
      {},
    ]);
    expect(v2['paths']?.[`${collection}/{name}`]?.['patch']?.['consumes']).toEqual([
      'application/json-patch+json',
      'application/merge-patch+json',
    ]);
    for (const archive of ['download', 'proxy/{path}'])
      expect(v2['paths']?.[`${collection}/{name}/${archive}`]?.['get']?.['produces']).toEqual(['application/gzip']);
  });

  it('refuses two documents with the same path', () => {
    const [document] = kylon.map(openapiV3);
    if (!document) throw new Error('no document');
    expect(() => openapiV2([document, document])).toThrow(`two groups serve ${collection}`);
  });
});
