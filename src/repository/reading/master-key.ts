/** The key of all that a repository holds: it lies in the files of `keys/`, each of which a password opens. */
import { createSecretKey, scrypt } from 'node:crypto';
import type { KeyObject, ScryptOptions } from 'node:crypto';
import { StoreDamaged } from '../../objectstore/objectstore.ts';
import { RepositoryKeyError } from '../repositories.ts';
import { unseal } from './sealed.ts';
import { listNames, readStored } from './stored-files.ts';
import type { Location } from './stored-files.ts';

interface KeyFile {
  readonly N: number;
  readonly r: number;
  readonly p: number;
  readonly salt: string;
  readonly data: string;
}

/** Whoever writes to a repository may add keys. Those that are dear to try are passed over: restic itself takes 32 MiB and half a second. */
const mostKeys = 8;
const mostMemory = 256 << 20;
const mostWork = 1 << 23;

const derivedBytes = 64;
const keyBytes = 32;

/** The key for AES. Rejects with RepositoryKeyError or StoreDamaged when no key can be opened, or with a StoreError. */
export async function openMasterKey(location: Location, password: string, signal: AbortSignal): Promise<KeyObject> {
  const names = (await listNames(location, 'keys', signal)).slice(0, mostKeys);
  if (names.length === 0)
    throw new RepositoryKeyError('RepositoryKeyLost', `${location.prefix}keys/: there is no key, so nothing in the repository can be read`);
  let damage: unknown;
  for (const name of names) {
    const opened = await tryKey(location, name, password, signal).catch((error: unknown) => {
      if (!(error instanceof StoreDamaged)) throw error;
      damage ??= error;
      return undefined;
    });
    if (opened) return opened;
  }
  if (damage) throw damage;
  throw new RepositoryKeyError(
    'RepositoryKeyWrong',
    `${location.prefix}keys/: the password that Kylon has for the repository opens none of its keys (${names.length})`,
  );
}

/** Undefined where the password does not fit. */
async function tryKey(location: Location, name: string, password: string, signal: AbortSignal): Promise<KeyObject | undefined> {
  const file = keyFileIn(await readStored(location, 'keys', name, signal));
  if (!file) throw new StoreDamaged(`${location.prefix}keys/${name}: it is no key of restic's that can be tried`);
  const { N, r, p, salt, data } = file;
  const derived = await derive(password, Buffer.from(salt, 'base64'), { N, r, p, maxmem: 2 * mostMemory });
  const master = parsed(unseal(createSecretKey(derived.subarray(0, keyBytes)), Buffer.from(data, 'base64')));
  const key = typeof master?.['encrypt'] === 'string' ? Buffer.from(master['encrypt'], 'base64') : undefined;
  return key?.length === keyBytes ? createSecretKey(key) : undefined;
}

function keyFileIn(bytes: Uint8Array): KeyFile | undefined {
  const { kdf, N, r, p, salt, data } = parsed(bytes) ?? {};
  if (kdf !== 'scrypt' || typeof salt !== 'string' || typeof data !== 'string' || !isCount(N) || !isCount(r) || !isCount(p))
    return undefined;
  const canBeTried = N > 1 && Number.isInteger(Math.log2(N)) && 128 * N * r <= mostMemory && N * r * p <= mostWork;
  return canBeTried ? { N, r, p, salt, data } : undefined;
}

const isCount = (value: unknown): value is number => typeof value === 'number' && Number.isInteger(value) && value > 0;

function derive(password: string, salt: Uint8Array, options: ScryptOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password, salt, derivedBytes, options, (error, key) => (error ? reject(error) : resolve(key)));
  });
}

function parsed(bytes: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString());
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
