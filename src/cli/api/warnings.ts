/** Warning headers of the API server: https://kubernetes.io/docs/reference/using-api/api-concepts/ */
import type { IncomingHttpHeaders } from 'node:http';

/** Several stand in one header, parted by commas; their texts are quoted strings. */
export function warningsIn({ warning }: IncomingHttpHeaders): string[] {
  const found = (warning ?? '').matchAll(/299 \S+ "((?:[^"\\]|\\.)*)"/g);
  return [...found].map(([, text = '']) => text.replaceAll(/\\(.)/g, '$1'));
}
