/** A small kind, a clock that stands still, and calls, for the tests of representations. */
import type { Api } from '../../src/machinery/api.ts';
import type { Call } from '../../src/machinery/call.ts';
import { encode } from '../../src/machinery/encode.ts';
import type { KubeObject } from '../../src/machinery/object.ts';
import type { Shown } from '../../src/machinery/representation.ts';
import { defineResource } from '../../src/machinery/resource.ts';
import type { ResourceCall } from '../../src/machinery/resource.ts';
import { object, optional, text } from '../../src/machinery/schema.ts';

export const things = defineResource({
  group: 'example.io',
  version: 'v1',
  kind: 'Thing',
  plural: 'things',
  shortNames: ['th'],
  categories: ['sample'],
  namespaced: true,
  description: 'A Thing is a thing.',
  fields: { spec: optional(object('What it should be.', { color: optional(text('Its color.', { default: 'red' })) })) },
  statusSubresource: true,
  columns: [
    { name: 'Wide', type: 'integer', description: 'Its width.', priority: 1, value: 'spec.width' },
    { name: 'Color', type: 'string', description: 'Its color.', value: 'spec.color' },
    { name: 'Until', type: 'date', description: 'When it ends.', value: (thing) => (thing.spec as { until?: string }).until },
  ],
  subresources: [
    {
      name: 'press',
      verbs: ['create'],
      kind: 'Thing',
      description: 'Press it.',
      parameters: [],
      produces: 'application/json',
      subpath: false,
      handle: () => Promise.reject(new Error('not in this test')),
    },
  ],
});

const now = Date.parse('2026-03-01T12:00:00Z');

export const api = {
  definitions: [things],
  clock: { now: () => now, monotonic: () => 0, sleep: () => Promise.reject(new Error('nobody sleeps here')) },
} as unknown as Api;

export function callOf(given: Partial<Call> & { query?: URLSearchParams } = {}): ResourceCall {
  return {
    method: 'GET',
    path: '/',
    query: new URLSearchParams(),
    verb: 'get',
    resource: { group: 'example.io', version: 'v1', resource: 'things', namespace: 'ns', name: 'a', subresource: undefined, subpath: [] },
    user: { name: 'ann', groups: [], extra: {} },
    accept: '',
    contentType: '',
    userAgent: 'kubectl',
    range: '',
    ifRange: '',
    ifNoneMatch: '',
    body: new Uint8Array(),
    signal: new AbortController().signal,
    warn: () => {},
    ...given,
    definition: things,
  } as ResourceCall;
}

export function thing(name: string, spec: unknown = {}, metadata: object = {}): KubeObject {
  return {
    apiVersion: 'example.io/v1',
    kind: 'Thing',
    metadata: { name, namespace: 'ns', uid: `uid-${name}`, creationTimestamp: '2026-03-01T11:55:00Z', ...metadata },
    spec,
  };
}

export const shown = (object: KubeObject, rv: number): Shown => ({ json: encode(object), rv });

export async function* pages(...all: (readonly Shown[])[]): AsyncGenerator<readonly Shown[]> {
  yield* all;
}

export async function textOf(pieces: AsyncIterable<string | Uint8Array>): Promise<string> {
  let text = '';
  for await (const piece of pieces) text += typeof piece === 'string' ? piece : new TextDecoder().decode(piece);
  return text;
}
