/** Quantities such as 1Gi or 500M, the form in which Kubernetes writes amounts: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/ */
import type { FieldError } from '../machinery/errors.ts';

const form = /^\+?(\d+(?:\.\d*)?|\.\d+)(?:(n|u|m|k|[MGTPE]|[KMGTPE]i)|[eE]([+-]?\d{1,3}))?$/;
const decimal: Readonly<Record<string, number>> = { n: 1e-9, u: 1e-6, m: 1e-3, k: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15, E: 1e18 };
const binary = ['Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];

/** As a number, which is exact up to 8Pi; undefined for a text that is none, or less than zero. */
export function parseQuantity(text: string): number | undefined {
  const [, digits, suffix = '', exponent = '0'] = form.exec(text) ?? [];
  if (digits === undefined) return undefined;
  const power = binary.indexOf(suffix) + 1;
  return Number(digits) * (power > 0 ? 1024 ** power : (decimal[suffix] ?? 1)) * 10 ** Number(exponent);
}

/** What is wrong with the size of a volume that is given. */
export function sizeFaults(field: string, value: string | undefined): readonly FieldError[] {
  if (value === undefined) return [];
  const bytes = parseQuantity(value);
  if (bytes === undefined) return [{ field, type: 'Invalid value', value, detail: 'must be a quantity such as 10Gi' }];
  return bytes > 0 ? [] : [{ field, type: 'Invalid value', value, detail: 'must be greater than 0' }];
}
