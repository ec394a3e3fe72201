/** What it takes to open the store that a BackupStore describes. */
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Cluster } from '../../cluster/cluster.ts';
import { quote } from '../../machinery/errors.ts';
import type { KubeObject } from '../../machinery/object.ts';
import { environmentOf } from '../../objectstore/given-credentials.ts';
import { realPath } from '../../objectstore/folders.ts';
import { StoreError } from '../../objectstore/objectstore.ts';
import { urlFault } from '../../objectstore/url-fault.ts';
import { certificatesIn } from '../../resources/backup-store.ts';
import type { BackupStore, BackupStoreSpec } from '../../resources/backup-store.ts';
import { fieldsOf } from '../selection/fields.ts';
import { secrets } from '../snapshot/known.ts';

export interface Place {
  readonly url: string;
  /** With the credentials. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly ca: string | undefined;
  /** Of the BackupStore, by which it is known whether it is another one by now. */
  readonly description: string;
  /** Of the Secret, likewise. */
  readonly secret: string;
}

export const descriptionOf = ({ metadata }: KubeObject) => `${metadata.uid}/${metadata.generation}`;

export interface PlaceParts {
  /** The environment of the process, for stores that name no credentials. */
  readonly env: Place['env'];
  /** Absolute path of the folder below which a store may be a folder; undefined where none may. */
  readonly storeFolder: string | undefined;
  readonly cluster: Pick<Cluster, 'get'>;
}

/** Rejects with a StoreError, which names no secret, or a ClusterError. */
export async function placeOf(store: BackupStore, parts: PlaceParts, signal: AbortSignal): Promise<Place> {
  const { url, credential, caBundle } = store.spec;
  if (new URL(url).protocol === 'file:') await requireInside(url, parts.storeFolder);
  const place = { url, ca: caBundle === undefined ? undefined : certificatesIn(caBundle), description: descriptionOf(store) };
  if (credential === undefined) return { ...place, env: parts.env, secret: '' };
  const { values, version } = await readSecret(parts.cluster, credential, signal);
  return { ...place, env: environmentOf(url, values), secret: version };
}

async function requireInside(url: string, folder: string | undefined): Promise<void> {
  if (folder === undefined)
    throw new StoreError('file:// names a folder of the server, and --store-folder, below which that may be, is not set');
  const fault = urlFault(url);
  if (fault !== undefined) throw new StoreError(fault);
  const path = fileURLToPath(url);
  if (!isBelow(folder, path)) throw new StoreError(`file:// may name folders below ${folder} only`);
  if (!isBelow(await realPath(folder), await realPath(path)))
    throw new StoreError(`file:// may name folders below ${folder} only, and a symbolic link leads out of it`);
}

function isBelow(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== '' && way.split('/')[0] !== '..';
}

async function readSecret(
  cluster: Pick<Cluster, 'get'>,
  { namespace, name }: NonNullable<BackupStoreSpec['credential']>,
  signal: AbortSignal,
) {
  const secret = await cluster.get(secrets, namespace, name, signal);
  if (!secret) throw new StoreError(`there is no Secret ${quote(name)} in the namespace ${quote(namespace)}`);
  const values = Object.entries(fieldsOf(secret['data'])).map(([key, value]) => [key, Buffer.from(String(value), 'base64').toString()]);
  const { uid, resourceVersion } = fieldsOf(secret.metadata);
  return { values: Object.fromEntries(values) as Record<string, string>, version: `${String(uid)}/${String(resourceVersion)}` };
}
