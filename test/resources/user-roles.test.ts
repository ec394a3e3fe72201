/** What the shipped ClusterRoles give: every subresource is a decision, and view sees no content. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { kylonResources } from '../../src/resources/resources.ts';

interface ClusterRole {
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
  readonly rules: readonly { readonly apiGroups: string[]; readonly resources: string[]; readonly verbs: string[] }[];
}

const text = readFileSync(resolve(import.meta.dirname, '../../manifests/user-roles.yaml'), 'utf8');
const roles = parseAllDocuments(text).map((document) => document.toJS() as ClusterRole);
const rightsOf = (name: string) =>
  roles
    .filter(({ metadata }) => metadata.name === `kylon-${name}`)
    .flatMap(({ rules }) =>
      rules.flatMap(({ resources, verbs }) => resources.flatMap((resource) => verbs.map((verb) => `${verb} ${resource}`))),
    );

const content = [
  ...['items', 'download', 'proxy', 'diff'].map((name) => `backups/${name}`),
  ...['files', 'download', 'proxy'].map((name) => `snapshots/${name}`),
];

describe('the ClusterRoles for users', () => {
  it('aggregate into view, edit and admin', () => {
    for (const name of ['view', 'edit', 'admin'])
      expect(roles.find(({ metadata }) => metadata.name === `kylon-${name}`)?.metadata.labels).toHaveProperty(
        [`rbac.authorization.k8s.io/aggregate-to-${name}`],
        'true',
      );
  });

  it('name every verb of every subresource, once', () => {
    const offered = kylonResources.flatMap(({ plural, subresources }) =>
      subresources.flatMap(({ name, verbs }) => verbs.map((verb) => `${verb} ${plural}/${name}`)),
    );
    const given = ['view', 'edit', 'admin', 'stores-admin'].flatMap(rightsOf);
    for (const right of offered)
      expect(
        given.filter((one) => one === right),
        right,
      ).toHaveLength(1);
  });

  it('show no content to view, let edit verify, and keep diffs and holds for admin', () => {
    expect(rightsOf('view').filter((right) => content.some((resource) => right.endsWith(` ${resource}`)))).toEqual([]);
    expect(rightsOf('edit')).toContain('create backups/verify');
    expect(rightsOf('admin')).toEqual(
      expect.arrayContaining([
        'get snapshots/download',
        'get backups/diff',
        'get backups/hold',
        'update backups/hold',
        'delete backups/hold',
      ]),
    );
  });

  it('give stores to platform teams, and let all others see them', () => {
    expect(rightsOf('stores-view')).toEqual(['get backupstores', 'list backupstores', 'watch backupstores']);
    expect(rightsOf('stores-admin')).toEqual(
      expect.arrayContaining([...rightsOf('stores-view'), 'create backupstores', 'delete backupstores']),
    );
    expect(['view', 'edit', 'admin'].flatMap(rightsOf).filter((right) => right.includes('backupstores'))).toEqual([]);
  });
});
