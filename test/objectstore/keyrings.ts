/** Keys for the tests: the same name gives the same bytes, unless told otherwise. */
import { createHash } from 'node:crypto';
import type { Keyring } from '../../src/objectstore/encryption/keyring.ts';
import { parseKeyring } from '../../src/objectstore/encryption/keyring.ts';

/** A line of a key file. Another `seed` gives another key of the same name. */
export function keyLine(name: string, seed = name): string {
  return `${name}:${createHash('sha256').update(seed).digest('base64')}\n`;
}

/** The first one encrypts. */
export function keysOf(...names: string[]): Keyring {
  return parseKeyring(names.map((name) => keyLine(name)).join(''), 'test keys');
}
