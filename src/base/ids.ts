/** The only place that makes random names: everything else is given Ids, so that a test can repeat a run. */
import { randomBytes, randomUUID } from 'node:crypto';

export interface Ids {
  /** A UUID of version 4, for metadata.uid. */
  uuid(): string;
  /** `bytes` random bytes as lower-case hexadecimal digits. */
  hex(bytes: number): string;
  /** `length` characters of the alphabet that Kubernetes uses after generateName: no vowels, nothing that looks alike. */
  suffix(length: number): string;
}

/** https://github.com/kubernetes/apimachinery/blob/master/pkg/util/rand/rand.go */
const suffixAlphabet = 'bcdfghjklmnpqrstvwxz2456789';

/** Bytes that are asked of the system at once: a call takes as long for them as for a few. */
const poolBytes = 4096;
let pool = Buffer.alloc(0);

/** Never the same bytes twice. */
function random(bytes: number): Buffer {
  if (pool.length < bytes) pool = randomBytes(Math.max(poolBytes, bytes));
  const taken = pool.subarray(0, bytes);
  pool = pool.subarray(bytes);
  return taken;
}

export const randomIds: Ids = {
  uuid: () => randomUUID(),
  hex: (bytes) => random(bytes).toString('hex'),
  suffix: (length) => [...random(length)].map((byte) => suffixAlphabet[byte % suffixAlphabet.length]).join(''),
};
