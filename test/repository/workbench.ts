/** Repositories on a store, and restic's requests to them, for the tests. */
import { createHash } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { randomIds } from '../../src/base/ids.ts';
import type { Log } from '../../src/base/log.ts';
import { createMetrics } from '../../src/base/metrics.ts';
import { memoryStore } from '../../src/objectstore/memory.ts';
import type { ObjectStore } from '../../src/objectstore/objectstore.ts';
import type { Access, Permit, RepositoryName, Rights } from '../../src/repository/repositories.ts';
import { createRepositories } from '../../src/repository/store-repositories.ts';
import { inPieces } from '../conformance/objectstore/subject.ts';
import { ManualClock } from '../manual-clock.ts';

export const signal = AbortSignal.any([]);
export const folder = 'd/domain/volumes/shop';
export const hour = 3_600_000;
/** The repository that lies in `folder`. */
export const shop: RepositoryName = { storeName: 'default', namespace: 'shop' };

/** What a ticket is for. */
export const to = (rights: Rights, holder = 'uid-1'): Permit => ({ rights, holder });

export async function* nothing(): AsyncGenerator<Uint8Array> {}

export const authorizationOf = ({ username, password }: Pick<Access, 'username' | 'password'>) =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;

export const idOf = (content: Uint8Array | string) => createHash('sha256').update(content).digest('hex');

export interface Sent {
  readonly as?: Pick<Access, 'username' | 'password'> | undefined;
  readonly body?: Uint8Array | AsyncIterable<Uint8Array>;
  readonly range?: string;
  readonly accept?: string;
  readonly contentLength?: number;
}

/** Several on one store are replicas. */
export function createWorkbench({
  store = memoryStore(),
  clock = new ManualClock(),
  metrics = createMetrics(),
  storeNamed = () => store,
}: {
  store?: ObjectStore;
  storeNamed?: (name: string) => ObjectStore;
  clock?: ManualClock;
  metrics?: ReturnType<typeof createMetrics>;
} = {}) {
  const lines: string[] = [];
  const write = (message: string, fields = {}) => void lines.push(`${message} ${JSON.stringify(fields)}`);
  const log: Log = { debug: write, info: write, warn: write, error: write, child: () => log };
  const { repositories, serve } = createRepositories({ storeNamed, domain: 'domain', clock, ids: randomIds, log, metrics });

  /** The path is below the repository of the namespace `shop`, or begins with a slash. */
  async function send(method: string, path: string, { as, body = Buffer.of(), range = '', accept = '', contentLength }: Sent = {}) {
    const over = new AbortController();
    const request = {
      method,
      url: path.startsWith('/') ? path : `/repositories/default/shop/${path}`,
      authorization: as ? authorizationOf(as) : '',
      accept,
      range,
      contentLength: body instanceof Uint8Array ? (contentLength ?? body.length) : contentLength,
      body: body instanceof Uint8Array ? inPieces(body, 64 * 1024) : body,
    };
    const answer = await serve(request, over.signal);
    const content = typeof answer.body === 'string' ? answer.body : await text(bytesOf(answer.body));
    over.abort(new Error('the request is over'));
    return { status: answer.status, headers: answer.headers, text: content };
  }

  return { store, clock, metrics, lines, repositories, serve, send };
}

async function* bytesOf(body: AsyncIterable<string | Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const piece of body) yield typeof piece === 'string' ? Buffer.from(piece) : piece;
}
