/** Files of a repository that are compressed: as long as restic may write them, and no longer. */
import { createSecretKey, hash } from 'node:crypto';
import { zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { memoryStore } from '../../../src/objectstore/memory.ts';
import { StoreDamaged } from '../../../src/objectstore/objectstore.ts';
import { readSealed } from '../../../src/repository/reading/stored-files.ts';
import { sealed } from './crafted.ts';
import { never } from './frozen.ts';

const key = Buffer.alloc(32, 7);

/** Reads an index file that comes to so many bytes. */
function readIndex(bytes: number): Promise<Buffer> {
  const file = sealed(Buffer.concat([Buffer.of(2), zstdCompressSync(Buffer.alloc(bytes, '{}'))]), key);
  const id = hash('sha256', file);
  const store = memoryStore(new Map([[`r/index/${id}`, file]]));
  return readSealed({ store, prefix: 'r/' }, 'index', id, createSecretKey(key), never);
}

describe('a compressed file', () => {
  it.each([2, 1 << 20, 459_200 * 160])('of %d bytes is read', async (bytes) => {
    expect((await readIndex(bytes)).equals(Buffer.alloc(bytes, '{}'))).toBe(true);
  });

  it('that would fill the memory is refused', async () => {
    await expect(readIndex(81 << 20)).rejects.toThrow(StoreDamaged);
  });
});
