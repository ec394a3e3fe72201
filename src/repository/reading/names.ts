/** Names as restic keeps them: escaped as Go's strconv.Quote does it, because a name is bytes, and JSON holds text only. */

const controls: Readonly<Record<string, number>> = { a: 7, b: 8, f: 12, n: 10, r: 13, t: 9, v: 11 };

const escape = /\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8})|([0-7]{3})|([abfnrtv])|([\\'"]))/gy;

/** The bytes of a name. Throws RangeError for what is none: empty, `.`, `..`, with a slash or a zero byte in it, or escaped badly. */
export function nameBytes(kept: string): Buffer {
  const bytes = kept.includes('\\') ? unescaped(kept) : Buffer.from(kept);
  const isName = bytes.length > 0 && !bytes.includes(0) && !bytes.includes('/') && !['.', '..'].includes(bytes.toString('latin1'));
  if (!isName) throw new RangeError('it is no name of a file');
  return bytes;
}

function unescaped(kept: string): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < kept.length;) {
    const next = kept.indexOf('\\', at);
    const end = next < 0 ? kept.length : next;
    parts.push(Buffer.from(kept.slice(at, end)));
    if (next < 0) break;
    escape.lastIndex = next;
    const found = escape.exec(kept);
    if (!found) throw new RangeError('it has an escape that is none');
    parts.push(meant(found));
    at = escape.lastIndex;
  }
  return Buffer.concat(parts);
}

function meant([, byte, short, long, octal, control, itself]: RegExpExecArray): Buffer {
  const point = short ?? long;
  if (point !== undefined) return Buffer.from(String.fromCodePoint(parseInt(point, 16)));
  if (itself !== undefined) return Buffer.from(itself);
  return Buffer.from([
    byte !== undefined ? parseInt(byte, 16) : octal !== undefined ? parseInt(octal, 8) & 0xff : (controls[control ?? ''] ?? 0),
  ]);
}
