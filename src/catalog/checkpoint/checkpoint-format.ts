/** A checkpoint: the whole index at one segment, as a stream of bytes that prove what they are. docs/format.md describes them. */
import { createHash } from 'node:crypto';
import { messageOf } from '../../base/lifetime.ts';
import type { Head } from '../state/apply.ts';
import type { Frame } from './checkpoint-frames.ts';
import { CheckpointFault, encodeFrame, frameOf, framesOf, magic } from './checkpoint-frames.ts';
import { digestText } from '../state/digest.ts';
import type { Block } from '../local-index/block.ts';
import { blockBytes, packBlock, unpackBlock } from '../local-index/block.ts';
import { lineOf } from '../local-index/index-keys.ts';
import { IndexTally } from '../local-index/index-tally.ts';
import { canonical, unknownOf } from '../log/segment.ts';

/** An entry of the index as it is kept: key and value. */
export type Entry = readonly [string, string];

export interface CheckpointHeader extends Omit<Head, 'digest'> {
  /** Version of this format. */
  readonly v: number;
  readonly domain: string;
  readonly digest: string;
  /** When it was made, by the maker's clock. */
  readonly time: string;
  readonly writer: { readonly replica: string; readonly boot: string };
  readonly comp: 'deflate-raw';
}

/** Where a checkpoint is read to. */
export interface CheckpointSink {
  /** Is given the header before anything else; refuses the checkpoint by rejecting. */
  begin(header: CheckpointHeader): Promise<void>;
  /** Is given all entries, in order, in blocks, each with the lines that it holds. */
  take(block: Block, lines: Buffer): Promise<void>;
}

const version = 1;
/** Far more than one object may have. */
const mostRawBytes = 256 * 1024 * 1024;

/** What a frame is, as its first byte. */
const kinds = { header: 'H'.charCodeAt(0), block: 'B'.charCodeAt(0), end: 'E'.charCodeAt(0) };
/** Of a block: its kind, and the length of its text. */
const blockPrefix = 5;

/** `pages` are all entries of the index that stands at `head`. Rejects with a CheckpointFault at the end where they cannot be. */
export async function* encodeCheckpoint(
  head: Head,
  made: Pick<CheckpointHeader, 'domain' | 'time' | 'writer'>,
  pages: AsyncIterable<readonly Entry[]>,
): AsyncGenerator<Uint8Array> {
  const seal = createHash('sha256');
  const tally = new IndexTally();
  const sealed = (frame: Frame) => {
    seal.update(frame.hash);
    return encodeFrame(frame);
  };
  const header: CheckpointHeader = { ...head, digest: digestText(head.digest), ...made, comp: 'deflate-raw', v: version };
  yield magic;
  yield sealed(frameOf(jsonPayload(kinds.header, header)));
  for await (const block of blocksOf(pages, tally)) yield sealed(frameOf(blockPayload(block)));
  const fault = tally.faultFor(head);
  if (fault !== undefined) throw new CheckpointFault(`would not be whole: ${fault}`);
  yield encodeFrame(frameOf(jsonPayload(kinds.end, { ...tally.counts, sha256: seal.digest('hex') })));
}

/**
 * Reads a checkpoint to its end and answers where it stands. Rejects with a CheckpointFault that says what is wrong, then perhaps
 * after the sink was given something; also where entries and header do not fit each other.
 */
export async function readCheckpoint(body: AsyncIterable<Uint8Array>, sink: CheckpointSink): Promise<Head> {
  const seal = createHash('sha256');
  const tally = new IndexTally();
  let header: CheckpointHeader | undefined;
  let isEnded = false;
  for await (const frame of framesOf(body)) {
    if (isEnded) throw new CheckpointFault('goes on behind its end');
    if (header === undefined) await sink.begin((header = headerOf(frame)));
    else if (frame.payload[0] === kinds.end) isEnded = checkEnd(frame, { ...tally.counts, sha256: seal.digest('hex') });
    else {
      const block = blockOf(frame);
      await sink.take(block, await checkedLines(block, tally));
    }
    if (!isEnded) seal.update(frame.hash);
  }
  if (header === undefined || !isEnded) throw new CheckpointFault('is cut off');
  const head = headIn(header);
  const fault = tally.faultFor(head);
  if (fault !== undefined) throw new CheckpointFault(`is not whole: ${fault}`);
  return head;
}

/** The header alone, from the first bytes of a checkpoint. */
export async function readHeader(body: AsyncIterable<Uint8Array>): Promise<CheckpointHeader> {
  for await (const frame of framesOf(body)) return headerOf(frame);
  throw new CheckpointFault('is cut off');
}

async function* blocksOf(pages: AsyncIterable<readonly Entry[]>, tally: IndexTally): AsyncGenerator<Block> {
  let lines: string[] = [];
  let length = 0;
  for await (const page of pages) {
    for (const [key, value] of page) {
      const line = lineOf(key, value);
      lines.push(line);
      length += line.length;
      if (length < blockBytes) continue;
      yield await packed(lines, tally);
      lines = [];
      length = 0;
    }
  }
  if (lines.length > 0) yield await packed(lines, tally);
}

function packed(lines: readonly string[], tally: IndexTally): Promise<Block> {
  const bytes = Buffer.from(lines.join(''));
  tally.add(bytes);
  return packBlock(bytes);
}

function blockPayload({ packed, length }: Block): Buffer {
  const prefix = Buffer.alloc(blockPrefix);
  prefix.writeUInt8(kinds.block);
  prefix.writeUInt32BE(length, 1);
  return Buffer.concat([prefix, packed]);
}

function blockOf({ payload }: Frame): Block {
  if (payload[0] !== kinds.block || payload.length < blockPrefix) throw new CheckpointFault('has a frame that is neither block nor end');
  const length = payload.readUInt32BE(1);
  if (length > mostRawBytes) throw new CheckpointFault(`has a block that claims to hold ${length} bytes`);
  return { packed: payload.subarray(blockPrefix), length };
}

async function checkedLines(block: Block, tally: IndexTally): Promise<Buffer> {
  try {
    const lines = await unpackBlock(block);
    tally.add(lines);
    return lines;
  } catch (error) {
    throw new CheckpointFault(`has a block that cannot be used: ${messageOf(error)}`);
  }
}

function headerOf({ payload }: Frame): CheckpointHeader {
  if (payload[0] !== kinds.header) throw new CheckpointFault('does not begin with a header');
  // Its hash was right, so a writer meant it; only what is used before the version is known is looked at.
  const header = JSON.parse(payload.toString('utf8', 1)) as CheckpointHeader;
  if (header.v !== version) throw new CheckpointFault(`has version ${header.v} of the format, known is ${version}`);
  const unknown = unknownOf(header.features.read);
  if (unknown.length > 0) throw new CheckpointFault(`needs features that this version of Kylon does not know: ${unknown.join(', ')}`);
  if (header.comp !== 'deflate-raw') throw new CheckpointFault(`has the unknown compression ${String(header.comp)}`);
  return header;
}

function headIn({ n, hash, rv, digest, horizon, jump, features }: CheckpointHeader): Head {
  return { n, hash, rv, digest: BigInt(`0x${digest}`), horizon, jump, features };
}

/** True where the end frame says what was found. */
function checkEnd({ payload }: Frame, found: Readonly<Record<string, unknown>>): true {
  if (payload.toString('utf8', 1) !== canonical(found)) throw new CheckpointFault('is not the row of frames that its end names');
  return true;
}

function jsonPayload(kind: number, value: unknown): Buffer {
  return Buffer.concat([Buffer.from([kind]), Buffer.from(canonical(value))]);
}
