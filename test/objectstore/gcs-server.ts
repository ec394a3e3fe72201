/** A gs store on a canned server, and a look at what it sends. */
import { CRC32C } from '@google-cloud/storage';
import { gcsProvider } from '../../src/objectstore/gcs/gcs.ts';
import type { ObjectStore } from '../../src/objectstore/objectstore.ts';
import type { StoreParts } from '../../src/objectstore/provider.ts';
import { startCannedServer } from './canned-server.ts';
import type { Answer, Canned, CannedServer, Received } from './canned-server.ts';
import { parts } from './stores.ts';

const signal = AbortSignal.any([]);

export const emptyList: Canned = { status: 200, body: {} };

const isList = ({ method, url }: Received) => method === 'GET' && url.pathname.endsWith('/o');

export interface OpenedGcs extends AsyncDisposable {
  readonly store: ObjectStore;
  /** What has come since the list of the start. */
  sent(): readonly Received[];
}

/** Opened on a server that answers lists with nothing, and all else by `answer`. */
export async function opened(answer: Answer, more: Partial<StoreParts> = {}): Promise<OpenedGcs> {
  const server = await startCannedServer((request) => (isList(request) ? emptyList : answer(request)));
  const store = await open(server, more);
  return { store, sent: () => server.received.slice(1), [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

export function open(server: CannedServer, more: Partial<StoreParts> = {}, query = ''): Promise<ObjectStore> {
  const url = new URL(`gs://bucket/pre/fix?endpoint=${encodeURIComponent(server.url)}${query}`);
  return gcsProvider.open(url, { ...parts, ...more }, signal);
}

export const errorBody = (message: string, reason: string) => ({ error: { message, errors: [{ message, reason }] } });

export function crcOf(body: Uint8Array): string {
  const crc32c = new CRC32C();
  crc32c.update(Buffer.from(body));
  return crc32c.toString();
}

/** The object in a body of multipart/related. */
export function mediaOf({ body, headers }: Received): Buffer {
  const boundary = /boundary=(.*)/.exec(String(headers['content-type']))?.[1] ?? '';
  const second = body.indexOf(`--${boundary}`, boundary.length);
  return body.subarray(body.indexOf('\r\n\r\n', second) + 4, body.lastIndexOf(`\r\n--${boundary}--`));
}

/** What is sent about an object. */
export function metadataOf({ body }: Received): { readonly crc32c?: string; readonly metadata?: { readonly attempt?: string } } {
  return JSON.parse(/\{.*\}/.exec(body.toString('latin1'))?.[0] ?? '{}');
}
