/**
 * Objects as block blobs of a container of Azure Blob Storage. A create is a write under the condition that there is no blob of
 * that name. The SDK sends every request once: what may be sent again is decided by those who know what it does.
 */
import { addAbortSignal, Readable } from 'node:stream';
import type { BlobDownloadResponseParsed, ContainerClient } from '@azure/storage-blob';
import type { Clock } from '../../base/clock.ts';
import type { Ids } from '../../base/ids.ts';
import type { AzureAccess } from './azure-access.ts';
import { azureAccessOf } from './azure-access.ts';
import type { AzureAddress } from './azure-address.ts';
import { azureAddressOf, azureUsage } from './azure-address.ts';
import { statusOf } from './azure-errors.ts';
import type { SendToAzure } from './azure-request.ts';
import { azureSender } from './azure-request.ts';
import type { AzureTarget } from './azure-upload.ts';
import { createBlob, uploadBlob } from './azure-upload.ts';
import { checkKey, checkPrefix } from '../keys.ts';
import type { ByteRange, ByteStream, ObjectStore, StoredKey, Uploaded } from '../objectstore.ts';
import { StoreError, StoreNotFound, StoreUnavailable } from '../objectstore.ts';
import type { Provider } from '../provider.ts';
import { boundsOf } from '../ranges.ts';
import { wholeOf } from '../whole.ts';

/** Names that are asked for at once. */
const pageSize = 1000;

export const azureProvider: Provider = {
  scheme: 'azure',
  usage: azureUsage,
  credentials: { oneOf: [['AZURE_STORAGE_CONNECTION_STRING'], ['AZURE_STORAGE_KEY'], ['AZURE_STORAGE_SAS_TOKEN']] },
  open: async (url, parts, signal) => {
    const address = azureAddressOf(url);
    const store = new AzureStore(await clientOf(address, azureAccessOf(address, parts.env)), address, parts);
    await store.reach(signal);
    return store;
  },
};

async function clientOf({ account, container, name }: AzureAddress, access: AzureAccess): Promise<ContainerClient> {
  const { AnonymousCredential, ContainerClient, StorageSharedKeyCredential } = await import('@azure/storage-blob');
  const url = `${access.endpoint}/${container}`;
  const options = { retryOptions: { maxTries: 1 } };
  if (access.kind === 'key') return new ContainerClient(url, new StorageSharedKeyCredential(account, access.key), options);
  if (access.kind === 'sas') return new ContainerClient(`${url}?${access.token}`, new AnonymousCredential(), options);
  return new ContainerClient(url, await identityFor(name), options);
}

/** Reads the environment of the process by itself: it is that of a pod with a workload identity, or of a managed identity. */
async function identityFor(name: string) {
  const { DefaultAzureCredential } = await import('@azure/identity');
  try {
    return new DefaultAzureCredential();
  } catch {
    throw new StoreError(`${name}: the AZURE_* variables for an identity contradict each other or are incomplete`);
  }
}

class AzureStore implements ObjectStore {
  readonly name: string;
  readonly #container: ContainerClient;
  readonly #prefix: string;
  readonly #ids: Ids;
  readonly #clock: Clock;
  readonly #send: SendToAzure;

  constructor(container: ContainerClient, address: AzureAddress, { clock, ids }: { readonly clock: Clock; readonly ids: Ids }) {
    this.name = address.name;
    this.#container = container;
    this.#prefix = address.prefix;
    this.#ids = ids;
    this.#clock = clock;
    this.#send = azureSender(address, clock);
  }

  /** Rejects with a StoreError where the container cannot be listed, or would be listed in an order of its own. */
  async reach(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await this.#page({ prefix: this.#prefix }, { maxPageSize: 1 }, signal);
    const info = await this.#send({ doing: 'ask for its kind' }, signal, (abortSignal) =>
      this.#container.getAccountInfo({ abortSignal }),
    ).catch((error: unknown) => {
      // Not all credentials may ask for that.
      if (error instanceof StoreError) return undefined;
      throw error;
    });
    if (info?.isHierarchicalNamespaceEnabled)
      throw new StoreError(`${this.name}: the account has a hierarchical namespace, which lists folders too: use an account without`);
  }

  async putIfAbsent(key: string, body: Uint8Array, signal: AbortSignal): Promise<'created' | 'exists'> {
    return createBlob(this.#target(key, signal), body, signal);
  }

  async upload(key: string, body: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<Uploaded> {
    return uploadBlob(this.#target(key, signal), this.#ids.hex(8), body, signal);
  }

  async read(key: string, signal: AbortSignal, range?: ByteRange): Promise<Uint8Array> {
    const { body } = await this.stream(key, signal, range);
    return wholeOf(body);
  }

  async stream(key: string, signal: AbortSignal, range?: ByteRange): Promise<ByteStream> {
    const { blob } = this.#target(key, signal);
    const answer = range?.length === 0 ? undefined : await this.#download(blob, key, range, signal);
    if (answer === undefined) return this.#nothingOf(key, range, signal);
    const body = readableOf(answer, signal);
    try {
      const size = sizeOf(answer);
      const { start, end } = boundsOf(key, size, range);
      if (answer.contentLength !== end - start) throw new StoreUnavailable(`${this.name}: ${key} was sent in another range than asked for`);
      return { size, body: this.#pieces(key, body, signal) };
    } catch (error) {
      body.destroy();
      throw error;
    }
  }

  async size(key: string, signal: AbortSignal): Promise<number | undefined> {
    const { blob } = this.#target(key, signal);
    try {
      const { contentLength } = await this.#send({ doing: `look at ${key}` }, signal, (abortSignal) => blob.getProperties({ abortSignal }));
      return contentLength;
    } catch (error) {
      if (error instanceof StoreNotFound) return undefined;
      throw error;
    }
  }

  async *list(prefix: string, signal: AbortSignal, startAfter = ''): AsyncIterable<StoredKey> {
    checkPrefix(prefix);
    signal.throwIfAborted();
    let last = startAfter;
    for await (const stored of this.#listed(prefix, signal, startAfter)) {
      const { key } = stored;
      if (key <= startAfter) continue;
      if (key < last) throw new StoreError(`${this.name}: its list is not in the order of names: Kylon cannot use such an account`);
      last = key;
      yield stored;
    }
  }

  async delete(key: string, signal: AbortSignal): Promise<void> {
    const { blob } = this.#target(key, signal);
    try {
      await this.#send({ doing: `delete ${key}` }, signal, (abortSignal) => blob.delete({ abortSignal, deleteSnapshots: 'include' }));
    } catch (error) {
      if (!(error instanceof StoreNotFound)) throw error;
    }
  }

  async close(): Promise<void> {}

  #target(key: string, signal: AbortSignal): AzureTarget {
    signal.throwIfAborted();
    checkKey(key);
    const blob = this.#container.getBlockBlobClient(`${this.#prefix}${key}`);
    return { blob, key, what: `${this.name}: ${key}`, send: this.#send, clock: this.#clock, ids: this.#ids };
  }

  /** Undefined where Azure says that there is nothing in the range. */
  async #download(blob: AzureTarget['blob'], key: string, range: ByteRange | undefined, signal: AbortSignal) {
    return this.#send({ doing: `read ${key}` }, signal, (abortSignal) =>
      blob.download(range?.start, range?.length, { abortSignal, maxRetryRequests: 0 }).catch((error: unknown) => {
        if (statusOf(error) === 416) return undefined;
        throw error;
      }),
    );
  }

  /** Where nothing is to be sent: of a range of no bytes, and of one behind the end. */
  async #nothingOf(key: string, range: ByteRange | undefined, signal: AbortSignal): Promise<ByteStream> {
    const size = await this.size(key, signal);
    if (size === undefined) throw new StoreNotFound(`${this.name}: ${key} does not exist`);
    const { start, end } = boundsOf(key, size, range);
    if (start < end) throw new StoreUnavailable(`${this.name}: ${key} changed while it was read`);
    return { size, body: Readable.from([]) };
  }

  /** In pieces as they come from the network, far below 1 MiB. */
  async *#pieces(key: string, body: Readable, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const iterator: AsyncIterator<Uint8Array> = body[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await this.#send({ doing: `read ${key}` }, signal, () => iterator.next());
        if (next.done) return;
        yield next.value;
      }
    } finally {
      body.destroy();
    }
  }

  async *#listed(prefix: string, signal: AbortSignal, startAfter: string): AsyncGenerator<StoredKey> {
    if (startAfter > prefix && !startAfter.startsWith(prefix)) return;
    const query = {
      prefix: `${this.#prefix}${prefix}`,
      ...(startAfter > prefix ? { startFrom: `${this.#prefix}${startAfter}` } : {}),
    };
    let continuationToken: string | undefined;
    do {
      const page = await this.#page(query, { maxPageSize: pageSize, ...(continuationToken ? { continuationToken } : {}) }, signal);
      for (const { name, properties } of page?.segment.blobItems ?? [])
        yield { key: name.slice(this.#prefix.length), size: properties.contentLength ?? 0, ...timeOf(properties.lastModified) };
      continuationToken = page?.continuationToken;
    } while (continuationToken);
  }

  async #page(query: ListQuery, settings: PageSettings, signal: AbortSignal) {
    try {
      const { value } = await this.#send({ doing: `list the container` }, signal, (abortSignal) =>
        this.#container
          .listBlobsFlat({ ...query, abortSignal })
          .byPage(settings)
          .next(),
      );
      return value;
    } catch (error) {
      if (!(error instanceof StoreNotFound)) throw error;
      throw new StoreError(`${this.name}: there is no such account at the endpoint: check the URL`);
    }
  }
}

interface ListQuery {
  readonly prefix: string;
  readonly startFrom?: string;
}

interface PageSettings {
  readonly maxPageSize: number;
  readonly continuationToken?: string;
}

/** Ends with `signal`, whether anybody reads it or not. */
function readableOf({ readableStreamBody: body }: BlobDownloadResponseParsed, signal: AbortSignal): Readable {
  if (!(body instanceof Readable)) throw new StoreUnavailable('the answer has no body');
  // Until somebody reads, nobody hears an error: it is told by the first read.
  body.on('error', () => {});
  return addAbortSignal(signal, body);
}

function sizeOf({ contentRange, contentLength = 0 }: BlobDownloadResponseParsed): number {
  return contentRange === undefined ? contentLength : Number(contentRange.split('/')[1]);
}

/** What only looks like Azure may leave it out. */
function timeOf(lastModified: Date | undefined): { readonly modified?: number } {
  return lastModified === undefined ? {} : { modified: lastModified.getTime() };
}
