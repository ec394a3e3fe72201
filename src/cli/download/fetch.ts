/** Gets the bytes of an archive or a file, in as many requests as the network makes of them, and proves them by their SHA-256 where that is known. */
import type { Clock } from '../../base/clock.ts';
import { messageOf, withDeadline } from '../../base/lifetime.ts';
import type { OpenAnswer } from '../../cluster/client.ts';
import type { Api } from '../api/api.ts';
import { isAway } from '../api/away.ts';
import { Unreachable } from '../api/unreachable.ts';
import { Ending, exits } from '../exits.ts';

export interface Content {
  /** Of the API, for GET. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly bytes: number;
  /** Its ETag, without the quotes. */
  readonly tag: string;
  /** In hexadecimal digits; undefined where the server tells none, and has proved what it sends by others. */
  readonly sha256?: string;
}

/** Where the bytes go, in order. */
export interface Sink {
  /** How many it has. */
  readonly size: number;
  write(piece: Uint8Array): Promise<void>;
  /** SHA-256 of all that it has, in hexadecimal digits. */
  digest(): string;
}

interface Parts {
  readonly api: Api;
  readonly clock: Clock;
  readonly tell: (text: string) => void;
}

/** Tries in a row that bring no byte, and the pause after each, in milliseconds. */
const pauses = [1_000, 2_000, 4_000, 8_000, 8_000];
/** Milliseconds without a byte after which a connection counts as dead. */
const longestSilence = 60_000;

/** Fills the sink up to the whole content. Rejects with an Ending when that cannot be, or when the bytes are not those of the content. */
export async function fetchAll(
  parts: Parts,
  content: Content,
  sink: Sink,
  see: (done: number) => void,
  signal: AbortSignal,
): Promise<void> {
  for (let tries = 0; sink.size < content.bytes; tries++) {
    const before = sink.size;
    try {
      await fetchSome(parts, content, sink, see, signal);
    } catch (error) {
      if (sink.size > before) tries = 0;
      const pause = pauses[tries];
      if (!isAway(error) || pause === undefined) throw error;
      parts.tell(`the connection was cut at ${sink.size} of ${content.bytes} bytes (${messageOf(error)}), it goes on in ${pause / 1000} s`);
      await parts.clock.sleep(pause, signal);
    }
  }
  if (content.sha256 !== undefined && sink.digest() !== content.sha256)
    throw new Ending(
      exits.no,
      `error: what was downloaded is damaged: its SHA-256 is ${sink.digest()}, that of the archive is ${content.sha256}`,
    );
}

/** One request, to the end or to the cut. */
async function fetchSome({ api, clock }: Parts, content: Content, sink: Sink, see: (done: number) => void, signal: AbortSignal) {
  const stop = new AbortController();
  const answer = await api.open(requestOf(content, sink.size), AbortSignal.any([signal, stop.signal]));
  const pieces = answer.body[Symbol.asyncIterator]();
  try {
    requireSame(answer, content, sink.size);
    while (sink.size < content.bytes) {
      const { done, value } = await withDeadline(clock, longestSilence, signal, silent, () => pieces.next());
      if (done) throw new Unreachable('the answer ended too soon', undefined);
      await sink.write(value.subarray(0, content.bytes - sink.size));
      see(sink.size);
    }
  } finally {
    stop.abort(new Error('the answer is not wanted any more'));
  }
}

/** If-Range: should it be something else by now, all of it comes, which requireSame refuses. */
function requestOf({ path, query = {}, tag }: Content, start: number) {
  const range = start > 0 ? { Range: `bytes=${start}-`, 'If-Range': `"${tag}"` } : {};
  return { path, query, headers: { Accept: 'application/gzip, */*;q=0.5', ...range } };
}

function requireSame({ status, headers }: OpenAnswer, { tag }: Content, start: number): void {
  const begin = /^bytes (\d+)-/.exec(headers['content-range'] ?? '')?.[1] ?? '0';
  if (headers.etag !== `"${tag}"`)
    throw new Ending(exits.no, 'error: what the server sends is not what it told of: it has changed meanwhile');
  if (Number(begin) !== start)
    throw new Ending(exits.no, `error: bytes from ${start} on were asked for, the answer (${status}) begins at ${begin}`);
}

const silent = () => new Unreachable(`no byte came for ${longestSilence / 1000} s`, undefined);
