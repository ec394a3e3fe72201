/**
 * The keys that a store is encrypted with, from a file. A line is one key, `NAME:` and 32 bytes in base64; the first encrypts
 * what is new, all of them decrypt. Empty lines, and those that begin with #, say nothing.
 */
import { createSecretKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Ids } from '../../base/ids.ts';
import { storeErrorOf } from '../file-errors.ts';
import { StoreError } from '../objectstore.ts';

export interface NamedKey {
  /** Is written into each object; no secret. */
  readonly name: string;
  readonly secret: KeyObject;
}

export interface Keyring {
  /** Encrypts what is written from now on. */
  readonly current: NamedKey;
  readonly all: ReadonlyMap<string, NamedKey>;
}

export const keyNamePattern = /^[a-z0-9-]{1,32}$/;
export const keyBytes = 32;

/** Rejects with a StoreError that names file, line and fault, and nothing of what stands there. */
export async function readKeyring(path: string): Promise<Keyring> {
  if (looksLikeKey(path)) throw new StoreError(`the file of the encryption keys ${isKeyItself}`);
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw storeErrorOf(error, `${path}: cannot read the encryption keys`);
  });
  return parseKeyring(text, path);
}

export const isKeyItself = 'is no file: it seems to be a key itself; write it into a file';

/** What was given instead of the path of a file, and may not be repeated. */
export function looksLikeKey(text: string): boolean {
  return /:\s*[A-Za-z0-9+/_-]{16,}={0,2}/.test(text) || /^[A-Za-z0-9+/]{43}=$/.test(text.trim());
}

/** `source` is what messages call the text. */
export function parseKeyring(text: string, source: string): Keyring {
  const all = new Map<string, NamedKey>();
  for (const [i, line] of text.split('\n').entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const key = parseLine(line.trim(), `${source}: line ${i + 1}`);
    if (all.has(key.name)) throw new StoreError(`${source}: line ${i + 1} names a key "${key.name}", as a line before it does`);
    all.set(key.name, key);
  }
  const [current] = all.values();
  if (current === undefined) throw new StoreError(`${source}: there is no key in it; "kylon keys generate" prints one`);
  return { current, all };
}

/** A new key, as a line of the file. */
export function newKeyLine(name: string, ids: Ids): string {
  if (!keyNamePattern.test(name)) throw new StoreError(`"${name}" cannot name a key: 1 to 32 characters of a-z 0-9 - can`);
  return `${name}:${Buffer.from(ids.hex(keyBytes), 'hex').toString('base64')}`;
}

function parseLine(line: string, where: string): NamedKey {
  const colon = line.indexOf(':');
  if (colon === -1) throw new StoreError(`${where} has no colon: a key is NAME:BASE64`);
  const name = line.slice(0, colon);
  if (!keyNamePattern.test(name)) throw new StoreError(`${where}: before the colon there is no name of 1 to 32 characters of a-z 0-9 -`);
  const digits = line.slice(colon + 1);
  const bytes = Buffer.from(digits, 'base64');
  if (bytes.toString('base64') !== digits) throw new StoreError(`${where}: behind the colon there is no base64`);
  if (bytes.length !== keyBytes) throw new StoreError(`${where}: the key has ${bytes.length} bytes instead of ${keyBytes}`);
  return { name, secret: createSecretKey(bytes) };
}
