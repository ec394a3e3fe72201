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

export const randomIds: Ids = {
  uuid: () => randomUUID(),
  hex: (bytes) => randomBytes(bytes).toString('hex'),
  suffix: (length) => [...randomBytes(length)].map((byte) => suffixAlphabet[byte % suffixAlphabet.length]).join(''),
};
