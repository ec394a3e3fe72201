/**
 * restic's REST protocol, on the repositories in the stores: https://restic.readthedocs.io/en/stable/100_references.html#rest-backend. Files are added
 * and read; what is there is not replaced, and of what is no lock only a prune deletes anything.
 */
import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import { messageOf } from '../../base/lifetime.ts';
import type { Metrics } from '../../base/metrics.ts';
import type { ObjectStore } from '../../objectstore/objectstore.ts';
import { StoreError, StoreFull, StoreNotFound, StoreUnavailable } from '../../objectstore/objectstore.ts';
import { Slots } from '../../objectstore/slots.ts';
import { configKey, fileKey, kindFolder } from '../paths.ts';
import type { SecretFiles } from '../secrets.ts';
import type { ShownTicket } from '../tickets.ts';
import { admit, genuineTicket } from './admission.ts';
import type { RepositoryAnswer, RepositoryRequest } from './exchange.ts';
import { Refused, plain } from './exchange.ts';
import { deleteFile, mostGathered, noSuchFile, readFile, saveFile, sizeOfFile } from './files.ts';
import { listFiles } from './listing.ts';
import { SpareBuffers } from './spare-buffers.ts';
import type { Operation, Target } from './target.ts';
import { operationOn, targetOf } from './target.ts';
import { letGo, makeOwn } from './whose.ts';

export interface ServeParts {
  readonly storeNamed: (name: string) => ObjectStore;
  readonly domain: string;
  readonly secrets: SecretFiles;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Files that are saved at once, so that backups find room in the store, and memory lasts: of each a store may hold 40 MiB, or Kylon 25 MiB and the store up to two copies. */
const savedAtOnce = 4;
/** So that downloads find room in the store. */
const readAtOnce = 8;
/** Of either that may wait; the next is told to come later. */
const mostWaiting = 1000;
/** Seconds. */
const comeAgain = 5;

/** Answers every request; rejects only when its signal aborts, which it has to as soon as the answer is out: it ends what was kept open for it. */
export function createServe(parts: ServeParts): (request: RepositoryRequest, signal: AbortSignal) => Promise<RepositoryAnswer> {
  const count = parts.metrics.counter('kylon_repository_requests_total', 'Requests of those who move volumes.', ['operation', 'code']);
  const saving = new Slots(savedAtOnce, mostWaiting);
  const reading = new Slots(readAtOnce, mostWaiting);
  const buffers = new SpareBuffers(mostGathered);
  return async (request, signal) => {
    let operation: Operation | undefined;
    try {
      const target = targetOf(request.url);
      operation = operationOn(target, request.method);
      const ticket = await genuineTicket(request.authorization, target, parts, signal);
      admit(ticket, operation, target);
      const answer = await perform(operation, target, { request, ticket, parts, saving, reading, buffers, signal });
      count({ operation, code: String(answer.status) });
      return answer;
    } catch (error) {
      signal.throwIfAborted();
      const answer = refusalOf(error, parts.log);
      count({ operation: operation ?? 'none', code: String(answer.status) });
      return answer;
    }
  };
}

interface Given {
  readonly request: RepositoryRequest;
  readonly ticket: ShownTicket;
  readonly parts: ServeParts;
  readonly saving: Slots;
  readonly reading: Slots;
  readonly buffers: SpareBuffers;
  readonly signal: AbortSignal;
}

async function perform(operation: Operation, target: Target, given: Given): Promise<RepositoryAnswer> {
  const { request, ticket, parts, signal } = given;
  const { domain, clock } = parts;
  const store = parts.storeNamed(target.storeName);
  const place = { domain, namespace: target.namespace };
  // Kylon has made it, before it gave the first ticket.
  if (target.what === 'repository') return plain(200, '');
  if (target.what === 'kind') return listFiles(store, kindFolder(place, target.kind), request.accept, signal);
  const key = target.what === 'config' ? configKey(place) : fileKey(place, target.kind, target.id);
  if (operation === 'size') return sizeOfFile(store, key, signal);
  if (operation === 'read') {
    const slot = await given.reading.enter(signal);
    signal.addEventListener('abort', () => slot[Symbol.dispose](), { once: true });
    return readFile(store, key, request.range, signal);
  }
  if (target.what === 'config') throw new Error(`${operation} of a config is nobody's right`);
  const { kind, id } = target;
  const held = { store, clock, place, kind, id, holder: ticket.holder };
  if (operation === 'delete') {
    await letGo(held, signal);
    return deleteFile(store, key, signal);
  }
  using _ = await given.saving.enter(signal);
  const prepare = () => makeOwn(held, signal);
  return await saveFile({ ...parts, store, buffers: given.buffers }, { key, kind, id, prepare }, request, signal);
}

/** What the client is told: never what was thrown, which the log tells. */
function refusalOf(error: unknown, log: Log): RepositoryAnswer {
  if (error instanceof StoreNotFound) return refusalOf(noSuchFile(), log);
  if (error instanceof Refused) return plain(error.status, error.message, error.headers);
  if (error instanceof StoreUnavailable) {
    log.warn('a repository could not be served', { error: error.message });
    return plain(503, 'the object store cannot be reached', { 'Retry-After': String(comeAgain) });
  }
  if (error instanceof StoreFull) {
    log.error('a repository could not be served', { error: error.message });
    return plain(507, 'the object store is full');
  }
  log.error('a repository could not be served', { error: error instanceof StoreError ? error.message : stackOf(error) });
  return plain(500, 'the log of the server tells why');
}

const stackOf = (error: unknown) => (error instanceof Error ? (error.stack ?? error.message) : messageOf(error));
