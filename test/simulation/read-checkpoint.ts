/** Reads a checkpoint as docs/format.md describes it, by code of its own, as read-log.ts does with the log. */
import { createHash } from 'node:crypto';
import { inflateRawSync } from 'node:zlib';

export interface TrueCheckpoint {
  readonly n: number;
  readonly rv: number;
  readonly hash: string;
  readonly digest: string;
  readonly horizon: number;
  /** Each as its parts. */
  readonly lines: readonly (readonly string[])[];
}

const partsOf: Readonly<Record<string, number>> = { c: 6, h: 8, v: 7 };

/** Throws an Error that says what does not hold. */
export function readCheckpoint(bytes: Buffer): TrueCheckpoint {
  const frames = framesOf(bytes);
  const [header, ...rest] = frames;
  const end = rest.pop();
  if (header?.[0] !== 0x48 || end?.[0] !== 0x45) throw new Error('it does not have a header and an end');
  const text = rest.map(textOf).join('');
  const lines = text === '' ? [] : text.slice(0, -1).split('\n');
  const seal = createHash('sha256');
  for (const frame of frames.slice(0, -1)) seal.update(createHash('sha256').update(frame).digest());
  const { sha256 } = JSON.parse(end.toString('utf8', 1)) as { sha256: string };
  if (sha256 !== seal.digest('hex')) throw new Error('its end does not have the hash of its frames');
  if (lines.join('\n') !== lines.toSorted().join('\n')) throw new Error('its lines are not in order');
  const { n, rv, hash, digest, horizon } = JSON.parse(header.toString('utf8', 1)) as Omit<TrueCheckpoint, 'lines'>;
  return { n, rv, hash, digest, horizon, lines: lines.map(splitLine) };
}

function framesOf(bytes: Buffer): readonly Buffer[] {
  if (bytes.toString('latin1', 0, 4) !== 'KYC1') throw new Error('it does not begin with KYC1');
  const frames: Buffer[] = [];
  for (let at = 4; at < bytes.length;) {
    const end = at + 36 + bytes.readUInt32BE(at);
    const payload = bytes.subarray(at + 36, end);
    if (
      !createHash('sha256')
        .update(payload)
        .digest()
        .equals(bytes.subarray(at + 4, at + 36))
    )
      throw new Error('a frame does not have its hash');
    frames.push(payload);
    at = end;
  }
  return frames;
}

function textOf(payload: Buffer): string {
  const raw = inflateRawSync(payload.subarray(5));
  if (payload[0] !== 0x42 || payload.readUInt32BE(1) !== raw.length) throw new Error('a block is not of its length');
  return raw.toString();
}

function splitLine(line: string): readonly string[] {
  const parts = line.split('\0');
  if (parts.length !== partsOf[parts[0] ?? '']) throw new Error(`a line has ${parts.length} parts: ${JSON.stringify(line)}`);
  return parts;
}
