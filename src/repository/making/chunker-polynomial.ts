/**
 * The polynomial by which restic finds where to cut files: random, of degree 53 and irreducible over GF(2). Bit i of a number is the coefficient
 * of x^i. https://restic.readthedocs.io/en/stable/100_references.html#backups-and-deduplication
 */
import type { Ids } from '../../base/ids.ts';

const degree = 53;

/** One in thirteen of the candidates is irreducible. */
export function chunkerPolynomial(ids: Ids): bigint {
  for (;;) {
    const random = BigInt.asUintN(degree, BigInt(`0x${ids.hex(7)}`));
    const candidate = random | (1n << BigInt(degree)) | 1n;
    if (isIrreducible(candidate)) return candidate;
  }
}

/**
 * Rabin's test, for the degree 53, which is prime: `polynomial` divides x^(2^53) - x, and neither x nor x + 1 divides it.
 * https://en.wikipedia.org/wiki/Factorization_of_polynomials_over_finite_fields#Rabin's_test_of_irreducibility
 */
export function isIrreducible(polynomial: bigint): boolean {
  const bits = polynomial.toString(2);
  const isZeroAtOne = bits.replaceAll('0', '').length % 2 === 0;
  if (bits.length !== degree + 1 || bits.endsWith('0') || isZeroAtOne) return false;
  let power = 2n;
  for (let i = 0; i < degree; i++) power = remainder(squared(power), polynomial);
  return power === 2n;
}

/** Over GF(2) the square of a sum is the sum of the squares. */
const squared = (polynomial: bigint) => BigInt(`0b${polynomial.toString(2).split('').join('0')}`);

function remainder(dividend: bigint, divisor: bigint): bigint {
  let rest = dividend;
  for (let over = bitsOf(rest) - bitsOf(divisor); over >= 0; over = bitsOf(rest) - bitsOf(divisor)) rest ^= divisor << BigInt(over);
  return rest;
}

const bitsOf = (polynomial: bigint) => polynomial.toString(2).length;
