/** Toy kinds, a server without HTTP around them, and requests to it, for the tests of the machinery. */
import { systemClock } from '../../src/base/clock.ts';
import type { Clock } from '../../src/base/clock.ts';
import { randomIds } from '../../src/base/ids.ts';
import type { Ids } from '../../src/base/ids.ts';
import type { Api } from '../../src/machinery/api.ts';
import type { Answer } from '../../src/machinery/call.ts';
import { dispatch } from '../../src/machinery/dispatch.ts';
import { ApiError } from '../../src/machinery/errors.ts';
import type { Status } from '../../src/machinery/errors.ts';
import type { KubeObject } from '../../src/machinery/object.ts';
import { parseTarget } from '../../src/machinery/path.ts';
import { defineResource, defineSubresource } from '../../src/machinery/resource.ts';
import type { ResourceDefinition, ResourceRules } from '../../src/machinery/resource.ts';
import { choice, duration, integer, list, map, object, open, optional, text, time } from '../../src/machinery/schema.ts';
import type { AccessAttributes, User } from '../../src/machinery/user.ts';
import { ManualClock } from '../manual-clock.ts';
import { MemoryStorage } from './memory-storage.ts';

const spec = object('Spec.', {
  size: optional(integer('Size.', { minimum: 1, maximum: 10 })),
  mode: optional(choice('Mode.', ['Fast', 'Slow'], { default: 'Fast' })),
  ttl: optional(duration('Ttl.')),
  code: optional(text('Code.', { minLength: 2, maxLength: 4 })),
  at: optional(time('At.')),
  items: optional(list('Items.', object('Item.', { name: text('Name.') }), { maxItems: 3 })),
  tags: optional(map('Tags.', text('Tag.'))),
  free: optional(open('Anything.')),
});

const echo = defineSubresource<string>({
  name: 'echo',
  verbs: ['get', 'create'],
  kind: 'Thing',
  description: 'Echoes.',
  parameters: [],
  produces: 'text/plain',
  subpath: true,
  handle: (of, call, services) =>
    Promise.resolve({
      status: 200,
      headers: { 'Content-Type': 'text/plain' },
      body: `${of.metadata.name} ${call.resource.subpath.join('/')} ${services}`,
    }),
});

/** Namespaced, with a status subresource. */
const thingsWith = (rules: ResourceRules): ResourceDefinition =>
  defineResource({
    group: 'example.io',
    version: 'v1',
    kind: 'Thing',
    plural: 'things',
    namespaced: true,
    description: 'A thing.',
    fields: {
      spec: optional(spec),
      status: optional(object('Status.', { phase: optional(text('Phase.')), seen: optional(integer('Seen.')) })),
    },
    statusSubresource: true,
    selectableFields: ['spec.mode', 'status.phase'],
    subresources: [echo],
    rules,
  });

/** Of the whole cluster, without spec or status subresource. */
const planets: ResourceDefinition = defineResource({
  group: '',
  version: 'v1',
  kind: 'Planet',
  plural: 'planets',
  namespaced: false,
  description: 'A planet.',
  fields: { data: optional(map('Data.', text('Datum.'))), status: optional(text('Status.')) },
});

const namespaces: ResourceDefinition = defineResource({
  group: '',
  version: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  namespaced: false,
  description: 'A namespace.',
  fields: { spec: optional(open('Spec.')) },
  rules: { nameForm: 'label' },
});

export const alice: User = { name: 'alice', groups: ['system:authenticated'], extra: {} };

export interface Ask {
  readonly body?: unknown;
  readonly type?: string;
  readonly accept?: string;
  readonly user?: User;
  readonly signal?: AbortSignal;
}

export interface Reply {
  readonly code: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  readonly warnings: readonly string[];
  /** The parsed body. */
  readonly object: KubeObject;
  readonly status: Status;
  readonly list: {
    metadata: { resourceVersion: string; continue?: string; remainingItemCount?: number };
    items: KubeObject[];
    kind: string;
  };
}

export const thingPath = '/apis/example.io/v1/namespaces/a/things';
export const allThings = '/apis/example.io/v1/things';

/** Whoever waits for a number that does not come waits a moment. */
const hasty: Clock = { ...systemClock, sleep: (_, signal) => systemClock.sleep(30, signal) };

export function createServer(given: { rules?: ResourceRules; ids?: Partial<Ids> } = {}) {
  const storage = new MemoryStorage(hasty);
  const clock = new ManualClock();
  const phases = new Map<string, 'Active' | 'Terminating'>([
    ['a', 'Active'],
    ['b', 'Active'],
    ['going', 'Terminating'],
  ]);
  const asked: AccessAttributes[] = [];
  const denied = new Set<string>();
  const things = thingsWith(given.rules ?? {});
  const api: Api = {
    definitions: [things, planets, namespaces],
    storage,
    clock,
    ids: { ...randomIds, ...given.ids },
    authorizer: {
      authorize(_, attributes) {
        if ('resource' in attributes) asked.push(attributes);
        const allowed = !('resource' in attributes && denied.has(attributes.namespace ?? '*'));
        return Promise.resolve({ allowed, reason: '' });
      },
    },
    namespaces: { phase: (name) => Promise.resolve(phases.get(name)) },
    services: 'services',
  };
  const answer = (method: string, url: string, ask: Ask = {}) => answerTo(api, method, url, ask);
  const request = async (method: string, url: string, ask: Ask = {}) => replyOf(await answer(method, url, ask));
  return { api, storage, clock, phases, asked, denied, things, answer, request };
}

const jsonTypes: Readonly<Record<string, string>> = { PATCH: 'application/merge-patch+json' };

async function answerTo(api: Api, method: string, url: string, ask: Ask): Promise<{ answer: Answer; warnings: string[] }> {
  const warnings: string[] = [];
  const { body = '' } = ask;
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  const call = {
    ...parseTarget(method, url),
    user: ask.user ?? alice,
    accept: ask.accept ?? 'application/json',
    contentType: ask.type ?? jsonTypes[method] ?? 'application/json',
    userAgent: 'test/1',
    range: '',
    ifRange: '',
    ifNoneMatch: '',
    body: bytes,
    signal: ask.signal ?? new AbortController().signal,
    warn: (text: string) => void warnings.push(text),
  };
  try {
    return { answer: await dispatch(api, call), warnings };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const body = JSON.stringify(error.toStatus());
    return { answer: { status: error.code, headers: { 'Content-Type': 'application/json' }, body }, warnings };
  }
}

async function replyOf({ answer, warnings }: { answer: Answer; warnings: string[] }): Promise<Reply> {
  const text = await textOf(answer.body);
  const parsed = () => JSON.parse(text) as unknown;
  return {
    code: answer.status,
    headers: answer.headers,
    text,
    warnings,
    get object() {
      return parsed() as KubeObject;
    },
    get status() {
      return parsed() as Status;
    },
    get list() {
      return parsed() as Reply['list'];
    },
  };
}

async function textOf(body: Answer['body']): Promise<string> {
  if (typeof body === 'string') return body;
  if (body instanceof Uint8Array) return Buffer.from(body).toString();
  let whole = '';
  for await (const piece of body) whole += typeof piece === 'string' ? piece : Buffer.from(piece).toString();
  return whole;
}

export interface WatchLine {
  readonly type: string;
  readonly object: KubeObject & Status;
}

/** A running watch, read line by line; `next` is undefined at its end. */
export function readWatch(answer: Answer) {
  const lines = (answer.body as AsyncIterable<string>)[Symbol.asyncIterator]();
  return {
    async next(): Promise<WatchLine | undefined> {
      const { done, value } = await lines.next();
      return done ? undefined : (JSON.parse(value) as WatchLine);
    },
    async take(count: number): Promise<WatchLine[]> {
      const taken: WatchLine[] = [];
      while (taken.length < count) taken.push((await this.next()) ?? expectMore());
      return taken;
    },
  };
}

function expectMore(): never {
  throw new Error('the watch has ended');
}
