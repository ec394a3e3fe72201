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
import { Refused, comeAgain, plain } from './exchange.ts';
import { deleteFile, longestOf, mostGathered, mostSmall, noSuchFile, readFile, saveFile, sizeOfFile } from './files.ts';
import { InHand } from './in-hand.ts';
import type { LaneBounds } from './lanes.ts';
import { Lanes } from './lanes.ts';
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

/** Of saved and of read files; the next is told to come later. */
const mostWaiting = 1000;
/**
 * Files that are saved at once, so that backups find room among the 16 uploads of a store, and memory lasts. Of each, Kylon holds 25 MiB at most, and the store
 * up to two copies of the four that are put; or the store holds 40 MiB of one that is longer, of which four are in hand. So it is 560 MiB at worst, of 14 files, all of which are
 * slow, and nearly whole. In the slow lane a namespace has room for the five that one mover saves at once.
 */
const saved: LaneBounds = { fast: 4, slow: 10, slowOfOne: 5, waiting: mostWaiting };
/** So that downloads find room among the 16 streams of a store; the slow have none of them, and 256 KiB of memory each. */
const read: LaneBounds = { fast: 8, slow: 64, slowOfOne: 16, waiting: mostWaiting };

/** Answers every request; rejects only when its signal aborts, which it has to as soon as the answer is out: it ends what was kept open for it. */
export function createServe(parts: ServeParts): (request: RepositoryRequest, signal: AbortSignal) => Promise<RepositoryAnswer> {
  const count = parts.metrics.counter('kylon_repository_requests_total', 'Requests of those who move volumes.', ['operation', 'code']);
  const saving = new Lanes(saved, parts.clock);
  const reading = new Lanes(read, parts.clock);
  const inHand = new InHand();
  const puts = new Slots(saved.fast, mostWaiting);
  const buffers = new SpareBuffers(mostGathered, saved.fast);
  return async (request, signal) => {
    let operation: Operation | undefined;
    try {
      const target = targetOf(request.url);
      operation = operationOn(target, request.method);
      const ticket = await genuineTicket(request.authorization, target, parts, signal);
      admit(ticket, operation, target);
      inHand.take(target.namespace, signal);
      const answer = await perform(operation, target, { request, ticket, parts, saving, reading, puts, buffers, signal });
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
  readonly saving: Lanes;
  readonly reading: Lanes;
  readonly puts: Slots;
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
    const taken = isSmall(target) ? undefined : await given.reading.enter(target.namespace, signal);
    return readFile(store, key, request.range, taken, signal);
  }
  if (target.what === 'config') throw new Error(`${operation} of a config is nobody's right`);
  const { kind, id } = target;
  const held = { store, clock, place, kind, id, holder: ticket.holder };
  if (operation === 'delete') {
    await letGo(held, signal);
    return deleteFile(store, key, signal);
  }
  const most = longestOf(kind, request.contentLength);
  // A longer one holds one of the uploads of the store from its beginning to its end.
  using taken = most > mostSmall ? await given.saving.enter(target.namespace, signal, most <= mostGathered) : undefined;
  const whileTaken = taken?.signal ?? signal;
  const prepare = () => makeOwn(held, whileTaken);
  const incoming = { key, id, body: request.body, most, place: taken, prepare };
  return await saveFile({ store, clock, puts: given.puts, buffers: given.buffers }, incoming, whileTaken);
}

/** What Kylon makes itself, and locks: a few KiB, for which nobody has to wait. */
const isSmall = (target: Target) =>
  target.what === 'config' || (target.what === 'file' && (target.kind === 'keys' || target.kind === 'locks'));

/** What the client is told: never what was thrown, which the log tells. */
function refusalOf(error: unknown, log: Log): RepositoryAnswer {
  if (error instanceof StoreNotFound) return refusalOf(noSuchFile(), log);
  if (error instanceof Refused) return plain(error.status, error.message, error.headers);
  if (error instanceof StoreUnavailable) {
    log.warn('a repository could not be served', { error: error.message });
    return plain(503, 'the object store cannot be reached', comeAgain);
  }
  if (error instanceof StoreFull) {
    log.error('a repository could not be served', { error: error.message });
    return plain(507, 'the object store is full');
  }
  log.error('a repository could not be served', { error: error instanceof StoreError ? error.message : stackOf(error) });
  return plain(500, 'the log of the server tells why');
}

const stackOf = (error: unknown) => (error instanceof Error ? (error.stack ?? error.message) : messageOf(error));
