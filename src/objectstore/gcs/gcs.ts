/**
 * Google Cloud Storage. The SDK finds the credentials and keeps their tokens fresh; the requests are our own, for the reasons that
 * stand in gcs-http.ts.
 */
import type * as gcsSdk from '@google-cloud/storage';
import { accountKeyOf, checkCredentials, keyVariable, tokenErrorOf, variable } from './gcs-credentials.ts';
import type { AccountKey } from './gcs-credentials.ts';
import type { Authorize } from './gcs-http.ts';
import { GcsHttp } from './gcs-http.ts';
import type { GcsPlace } from './gcs-place.ts';
import { placeOf } from './gcs-place.ts';
import { GcsStore } from './gcs-store.ts';
import type { ObjectStore } from '../objectstore.ts';
import type { Provider, StoreParts } from '../provider.ts';

export const gcsProvider: Provider = {
  scheme: 'gs',
  usage: [
    'gs://BUCKET/PREFIX?endpoint=URL&project=ID',
    '    Google Cloud Storage; the project is billed. Credentials: the file of GOOGLE_APPLICATION_CREDENTIALS, else those of the workload.',
  ].join('\n'),
  credentials: { oneOf: [[keyVariable]] },
  open: openGcs,
};

async function openGcs(url: URL, parts: StoreParts, signal: AbortSignal): Promise<ObjectStore> {
  const place = placeOf(url);
  const keyFilename = parts.env[variable] || undefined;
  const key = parts.env[keyVariable];
  const credentials = key ? accountKeyOf(place.name, key) : undefined;
  if (keyFilename !== undefined) await checkCredentials(place.name, keyFilename);
  const sdk = await import('@google-cloud/storage');
  const http = new GcsHttp(place, authorizeBy(sdk, place, { keyFilename, credentials }), parts.clock);
  const store = new GcsStore({ place, http, ids: parts.ids, clock: parts.clock });
  await store.prove(signal);
  return store;
}

interface Given {
  readonly keyFilename: string | undefined;
  readonly credentials: AccountKey | undefined;
}

/** An emulator wants no credentials, and without TLS none are looked for: they would be readable on the way. */
function authorizeBy({ Storage }: typeof gcsSdk, place: GcsPlace, { keyFilename, credentials }: Given): Authorize {
  if (keyFilename === undefined && credentials === undefined && place.endpoint.startsWith('http:')) return async () => new Headers();
  // The SDK reads the variable of the process by itself; told the same file as an option, it writes warnings to stderr.
  const isKnown = keyFilename === undefined || keyFilename === process.env[variable];
  // No request names a project but the one of the URL; without one, the SDK would look for one in many places.
  const { authClient } = new Storage({
    projectId: place.project ?? place.bucket,
    ...(isKnown ? {} : { keyFilename }),
    ...(credentials && { credentials }),
  });
  return async () => {
    try {
      return await authClient.getRequestHeaders(place.endpoint);
    } catch (error) {
      throw tokenErrorOf(error, place.name);
    }
  };
}
