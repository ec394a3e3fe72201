/** Calls of the subresources, on services that keep what they were asked. */
import type { Answer } from '../../src/machinery/call.ts';
import { conflict } from '../../src/machinery/errors.ts';
import type { KubeObject } from '../../src/machinery/object.ts';
import type { ResourceCall, ResourceDefinition } from '../../src/machinery/resource.ts';
import type { Item, ItemQuery, LogOptions, Services, SnapshotFile } from '../../src/resources/services.ts';
import { callOf, textOf } from '../machinery/sample.ts';

const content = new TextEncoder().encode('0123456789');
const archive = { key: 'k', sha256: 'abc', bytes: content.length, formatVersion: 1 };
export const manifest = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"count":12345678901234567890}';
export const held: Item = {
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  resource: 'configmaps',
  namespace: 'ns',
  name: 'a',
  uid: 'u',
  labels: {},
  bytes: 91,
  sha256: 'def',
};

export const heldFile: SnapshotFile = {
  name: 'a',
  path: '/a',
  type: 'File',
  size: 10,
  mode: '0644',
  uid: 0,
  gid: 0,
  modificationTime: '2026-01-01T00:00:00Z',
};

export const heldBy = { by: 'ann', since: '2026-01-01T00:00:00Z' };

/** One backup with one item; what was asked is kept. */
function servicesOf(asked: unknown[]): Services {
  return {
    archive: async (backup, range) => {
      if ((backup.status as { phase: string }).phase === 'New')
        throw conflict({ group: 'backup.kylon.io', resource: 'backups' }, 'b', 'its phase is New');
      const { start, length } = { start: 0, length: content.length, ...range };
      return { size: content.length, sha256: archive.sha256, body: streamOf(content.slice(start, start + length)) };
    },
    items: async (_, query: ItemQuery) => {
      asked.push(query);
      return { items: [held], continue: query.continue === '' ? 'next' : '' };
    },
    item: async (_, key) => {
      asked.push(key);
      return key.name === 'a' ? new TextEncoder().encode(manifest) : undefined;
    },
    checkStore: async (store) => store,
    files: async (_, query) => {
      asked.push(query);
      return { items: [heldFile], continue: query.continue === '' ? 'next' : '' };
    },
    download: async (_, path) => {
      asked.push(path);
      const read = async (span = { start: 0, length: content.length }) => streamOf(content.slice(span.start, span.start + span.length));
      const name = path === '/device' ? '' : (path.split('/').at(-1) ?? '');
      return { name, file: path.endsWith('folder') || path === '' ? undefined : { size: content.length, tag: 'tag' }, read };
    },
    log: async function* (object, options: LogOptions) {
      asked.push(options);
      if (object.metadata.name === 'gone') throw conflict({ group: 'backup.kylon.io', resource: 'backups' }, 'gone', 'it has no log');
      yield 'one\n';
      yield 'two\n';
    },
    results: async (_, query) => {
      asked.push(query);
      return { items: [{ group: '', resource: 'configmaps', namespace: 'ns', name: 'a', outcome: 'created', message: '' }], continue: '' };
    },
    createRestore: async (restore, user, options) => {
      asked.push({ user: user.name, ...options });
      return { ...restore, metadata: { ...restore.metadata, name: restore.metadata.name || `${restore.metadata.generateName}x` } };
    },
    diff: async (_, query, user) => {
      asked.push({ ...query, user: user.name });
      const difference = { group: '', version: 'v1', kind: 'ConfigMap', resource: 'configmaps', namespace: 'ns', name: 'a' };
      const patch = [{ op: 'replace', path: '/count', value: 12345678901234567890n }];
      const warnings = query.against === undefined ? ['secrets of ns is not or not all compared: forbidden'] : [];
      return { items: [{ ...difference, change: 'Changed', patch }], continue: query.continue === '' ? 'next' : '', warnings };
    },
    verify: async (object) => object,
    hold: async (object, reason, change) => {
      asked.push({ reason, dryRun: change.dryRun, uid: change.preconditions.uid });
      return { ...object, status: { hold: { ...heldBy, ...(reason && { reason }) } } };
    },
    release: async (object, change) => {
      asked.push({ dryRun: change.dryRun, uid: change.preconditions.uid });
      return { ...object, status: {} };
    },
  };
}

async function* streamOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

export const backup = (phase = 'Completed', name = 'b'): KubeObject => ({
  apiVersion: 'backup.kylon.io/v1alpha1',
  kind: 'Backup',
  metadata: { name, namespace: 'ns' },
  status: { phase, ...(phase === 'Completed' && { archive }) },
});

export interface Asked extends Partial<Omit<ResourceCall, 'query'>> {
  readonly query?: string;
  readonly subpath?: readonly string[];
}

export async function answerOf(definition: ResourceDefinition, name: string, given: Asked = {}, object = backup(), asked: unknown[] = []) {
  const { query = '', subpath = [], ...rest } = given;
  const base = callOf({ query: new URLSearchParams(query), ...rest });
  const subresource = definition.subresources.find((sub) => sub.name === name);
  if (!subresource) throw new Error(`no subresource ${name}`);
  return subresource.handle(object, { ...base, resource: { ...base.resource, subpath } }, servicesOf(asked));
}

export async function call(definition: ResourceDefinition, name: string, given: Asked = {}, object = backup()) {
  const asked: unknown[] = [];
  const answer = await answerOf(definition, name, given, object, asked);
  return { ...answer, text: await bodyText(answer), asked };
}

export const bodyText = async ({ body }: Answer) =>
  typeof body === 'string' ? body : body instanceof Uint8Array ? new TextDecoder().decode(body) : textOf(body);
export const bytesOf = (value: unknown) => new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));
