/** Names that look random, and that the seed of a history decides. */
import type { Ids } from '../../src/base/ids.ts';
import type { Random } from './random.ts';

const letters = ['b', 'c', 'd', 'f', 'g', 'h', 'j', 'k'];

export function seededIds(random: Random): Ids {
  const hex = (bytes: number) => {
    let digits = '';
    while (digits.length < 2 * bytes) digits += random.bits().toString(16).padStart(8, '0');
    return digits.slice(0, 2 * bytes);
  };
  return {
    uuid: () => `${hex(4)}-${hex(2)}-4${hex(2).slice(1)}-8${hex(2).slice(1)}-${hex(6)}`,
    hex,
    suffix: (length) => Array.from({ length }, () => random.pick(letters)).join(''),
  };
}
