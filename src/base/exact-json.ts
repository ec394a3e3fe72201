/**
 * JSON whose whole numbers keep all their digits. Those that a double cannot hold are BigInts, which can be cloned and compared as
 * any number can; texts without such a number, nearly all, are read and written at the usual speed.
 */

/** Throws SyntaxError. */
export function parseExactly(text: string): unknown {
  return mayBeInexact.test(text) ? JSON.parse(text, exactly) : JSON.parse(text);
}

/** As many digits as the least number has that a double may not hold, behind what may stand before a number. */
const mayBeInexact = /[:,[\s-]\d{16}|^\d{16}/;

/** The text of what parseExactly has read, or of any other value that JSON can hold. */
export function textExactly(value: unknown, indent?: number): string {
  try {
    return JSON.stringify(value, null, indent);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return JSON.stringify(value, digits, indent);
  }
}

function exactly(_: string, value: unknown, context?: { readonly source?: string }): unknown {
  const isInexact = typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? '');
  return isInexact ? BigInt(context?.source ?? 0) : value;
}

/** Not yet in TypeScript's library for this target. */
const { rawJSON } = JSON as unknown as { readonly rawJSON: (text: string) => unknown };

export const digits = (_: string, value: unknown) => (typeof value === 'bigint' ? rawJSON(String(value)) : value);
