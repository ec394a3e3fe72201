/**
 * The two files with which a restic repository begins, as `restic init` would make them: its key, sealed by the password, and its config.
 * https://restic.readthedocs.io/en/stable/100_references.html#keys-encryption-and-mac
 */
import { createHash, scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import type { Clock } from '../../base/clock.ts';
import { rfc3339 } from '../../base/clock.ts';
import type { Ids } from '../../base/ids.ts';
import { chunkerPolynomial } from './chunker-polynomial.ts';
import type { SealingKey } from './sealing.ts';
import { seal } from './sealing.ts';

export interface NewRepository {
  /** JSON; its SHA-256 is its name. */
  readonly key: Buffer;
  readonly config: Buffer;
}

/** Of the repository format: 2 is the one that compresses. */
const version = 2;
/** Of scrypt. Little, as the password is 256 random bits, which nobody can guess at any speed. */
const cost = { N: 16384, r: 8, p: 1 };
const saltBytes = 64;

export async function newRepository(password: string, { clock, ids }: { clock: Clock; ids: Ids }): Promise<NewRepository> {
  const bytes = (count: number) => Buffer.from(ids.hex(count), 'hex');
  const salt = bytes(saltBytes);
  const master: SealingKey = { encrypt: bytes(32), mac: { k: bytes(16), r: bytes(16) } };
  const data = seal(await keyOfPassword(password, salt), bytes(16), jsonOf(master));
  const origin = { created: rfc3339(clock.now()), username: 'kylon', hostname: 'kylon' };
  const config = { version, id: ids.hex(32), chunker_polynomial: chunkerPolynomial(ids).toString(16) };
  return {
    key: Buffer.from(JSON.stringify({ ...origin, kdf: 'scrypt', ...cost, salt: salt.toString('base64'), data: data.toString('base64') })),
    config: seal(master, bytes(16), Buffer.from(JSON.stringify(config))),
  };
}

/** The name of a file in a repository. */
export const idOf = (content: Uint8Array) => createHash('sha256').update(content).digest('hex');

async function keyOfPassword(password: string, salt: Uint8Array): Promise<SealingKey> {
  const derive = promisify<string, Uint8Array, number, typeof cost, Buffer>(scrypt);
  const derived = await derive(password, salt, 64, cost);
  return { encrypt: derived.subarray(0, 32), mac: { k: derived.subarray(32, 48), r: derived.subarray(48) } };
}

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');

const jsonOf = ({ encrypt, mac: { k, r } }: SealingKey) =>
  Buffer.from(JSON.stringify({ mac: { k: base64(k), r: base64(r) }, encrypt: base64(encrypt) }));
