/** Standard output as the place of a download: what was written is gone, and cannot be gone on with when called again. */
import { createHash } from 'node:crypto';
import type { Shell } from '../shell.ts';
import type { Sink } from './fetch.ts';

export function standardOutput(shell: Shell): Sink {
  const hash = createHash('sha256');
  let size = 0;
  return {
    get size() {
      return size;
    },
    async write(piece) {
      await shell.write(piece);
      hash.update(piece);
      size += piece.byteLength;
    },
    digest: () => hash.copy().digest('hex'),
  };
}
