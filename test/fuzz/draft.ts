/** A request before it becomes bytes. Everything is latin1: one character is one byte on the wire. */

export type Who = 'owner' | 'limited';

export interface Draft {
  who: Who;
  method: string;
  /** As it stands in the request line. */
  path: string;
  query: string[];
  headers: [name: string, value: string][];
  body: Buffer | undefined;
  /** Sends the body in chunks, without saying how long it is. */
  chunked: boolean;
}

const reserved = /[^A-Za-z0-9\-._~]/g;

/** Any text as it may stand in a path or a query. */
export const encoded = (text: string): string =>
  [...Buffer.from(text, 'utf8')]
    .map((byte) => String.fromCharCode(byte).replace(reserved, () => `%${byte.toString(16).padStart(2, '0')}`))
    .join('');

/** The request on the wire, with a length that is true. */
export function bytesOf({ method, path, query, headers, body, chunked }: Draft): Buffer {
  const url = query.length > 0 ? `${path}?${query.join('&')}` : path;
  const framing = body === undefined ? [] : [chunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${body.length}`];
  const lines = [`${method} ${url} HTTP/1.1`, 'Host: localhost', ...headers.map(([name, value]) => `${name}: ${value}`), ...framing];
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  if (body === undefined) return head;
  return Buffer.concat(chunked ? [head, ...chunksOf(body)] : [head, body]);
}

function chunksOf(body: Buffer): Buffer[] {
  const size = Math.max(1, Math.ceil(body.length / 3));
  const chunks: Buffer[] = [];
  for (let at = 0; at < body.length; at += size) {
    const part = body.subarray(at, at + size);
    chunks.push(Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n'));
  }
  return [...chunks, Buffer.from('0\r\n\r\n')];
}
