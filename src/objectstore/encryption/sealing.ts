/**
 * An encrypted object, byte by byte: a header that holds the object's own key, wrapped in a named one, and chunks, each
 * encrypted and authenticated with its place and whether it is the last. docs/format.md, section Encryption, describes it.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { CipherKey } from 'node:crypto';
import type { Ids } from '../../base/ids.ts';
import type { Keyring, NamedKey } from './keyring.ts';
import { keyBytes, keyNamePattern } from './keyring.ts';
import { StoreDamaged, StoreError } from '../objectstore.ts';

const algorithm = 'aes-256-gcm';
const magic = Buffer.from('KYE1');
const nameBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;
const nameAt = magic.length;
const nonceAt = nameAt + nameBytes;
const wrappedAt = nonceAt + nonceBytes;
export const headerBytes = wrappedAt + keyBytes + tagBytes;
/** Of the content; encrypted, a chunk is longer by its tag. */
export const chunkBytes = 65_536;
export const sealedChunkBytes = chunkBytes + tagBytes;

/** What seals or opens the chunks of one object. */
export interface ObjectCipher {
  /** The object's own key in the store: its content cannot be moved to another one. */
  readonly key: string;
  readonly secret: CipherKey;
}

/** Bytes that `size` bytes of content take up. */
function sealedSize(size: number): number {
  return headerBytes + size + Math.max(1, Math.ceil(size / chunkBytes)) * tagBytes;
}

/** Bytes of content in an object of `sealed` bytes, or undefined where no content gives an object of that size. */
export function contentSize(sealed: number): number | undefined {
  const chunks = Math.ceil((sealed - headerBytes) / sealedChunkBytes);
  const size = sealed - headerBytes - chunks * tagBytes;
  return size >= 0 && sealedSize(size) === sealed ? size : undefined;
}

/** A fresh key for the object `key`, and the header that holds it. */
export function newHeader(
  key: string,
  { name, secret }: NamedKey,
  ids: Ids,
): { readonly header: Uint8Array; readonly cipher: ObjectCipher } {
  const own = Buffer.from(ids.hex(keyBytes), 'hex');
  const nonce = Buffer.from(ids.hex(nonceBytes), 'hex');
  const start = Buffer.concat([magic, Buffer.from(name.padEnd(nameBytes, '\0'))]);
  return { header: Buffer.concat([start, nonce, seal(secret, nonce, wrapContext(start, key), own)]), cipher: { key, secret: own } };
}

/** Throws a StoreError where the key is not among those given, and StoreDamaged for anything but a sound header. */
export function openHeader(key: string, header: Uint8Array, keyring: Keyring): ObjectCipher {
  const bytes = Buffer.from(header.subarray(0, headerBytes));
  if (!bytes.subarray(0, nameAt).equals(magic)) throw new StoreDamaged(`${key} is not encrypted, though this store is`);
  if (bytes.length < headerBytes) throw new StoreDamaged(`${key} is damaged: it is shorter than the header of an encrypted object`);
  const name = bytes.toString('latin1', nameAt, nonceAt).replace(/\0+$/, '');
  if (!keyNamePattern.test(name)) throw new StoreDamaged(`${key} is damaged: its header names no key`);
  const secret = find(keyring, name, key);
  const context = wrapContext(bytes.subarray(0, nonceAt), key);
  const own = open(secret, bytes.subarray(nonceAt, wrappedAt), context, bytes.subarray(wrappedAt));
  if (own === undefined) throw new StoreDamaged(`${key} is damaged or was not written with the key "${name}" that was given`);
  return { key, secret: own };
}

export function sealChunk({ key, secret }: ObjectCipher, index: number, isLast: boolean, content: Uint8Array): Uint8Array {
  return seal(secret, chunkNonce(index, isLast), Buffer.from(key), content);
}

/** Throws StoreDamaged unless it is exactly what sealChunk made for this object and place. */
export function openChunk({ key, secret }: ObjectCipher, index: number, isLast: boolean, sealed: Uint8Array): Uint8Array {
  const content = open(secret, chunkNonce(index, isLast), Buffer.from(key), sealed);
  if (content === undefined) throw new StoreDamaged(`${key} is damaged: its chunk ${index} is not what was written there`);
  return content;
}

/** 11 bytes of number, so that chunks keep their order, and 1 that marks the last, so that none can be cut off. */
function chunkNonce(index: number, isLast: boolean): Buffer {
  const nonce = Buffer.alloc(nonceBytes);
  nonce.writeUIntBE(index, nonceBytes - 7, 6);
  nonce[nonceBytes - 1] = isLast ? 1 : 0;
  return nonce;
}

function wrapContext(start: Uint8Array, key: string): Buffer {
  return Buffer.concat([start, Buffer.from(key)]);
}

function find({ all }: Keyring, name: string, key: string): CipherKey {
  const found = all.get(name);
  if (found !== undefined) return found.secret;
  const given = [...all.keys()].join(', ');
  throw new StoreError(`${key} is encrypted with the key "${name}", which is not among those given (${given}): add it to the file of keys`);
}

function seal(secret: CipherKey, nonce: Uint8Array, context: Uint8Array, content: Uint8Array): Buffer {
  const cipher = createCipheriv(algorithm, secret, nonce, { authTagLength: tagBytes }).setAAD(context);
  return Buffer.concat([cipher.update(content), cipher.final(), cipher.getAuthTag()]);
}

/** Undefined where it is not authentic. */
function open(secret: CipherKey, nonce: Uint8Array, context: Uint8Array, sealed: Uint8Array): Buffer | undefined {
  if (sealed.length < tagBytes) return undefined;
  const end = sealed.length - tagBytes;
  const decipher = createDecipheriv(algorithm, secret, nonce, { authTagLength: tagBytes }).setAAD(context);
  decipher.setAuthTag(sealed.subarray(end));
  const content = decipher.update(sealed.subarray(0, end));
  try {
    decipher.final();
    return content;
  } catch {
    return undefined;
  }
}
