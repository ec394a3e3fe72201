/** Streams of pieces. */

/** The same pieces, once the first one is there: what cannot be read at all rejects here. */
export async function begun<T>(pieces: AsyncIterable<T>): Promise<AsyncIterable<T>> {
  const iterator = pieces[Symbol.asyncIterator]();
  const first = await iterator.next();
  return (async function* () {
    try {
      for (let piece = first; !piece.done; piece = await iterator.next()) yield piece.value;
    } finally {
      await iterator.return?.();
    }
  })();
}

/**
 * Small pieces together, until they have `least` bytes: each costs whatever comes behind the same, whatever it holds. `copied` is called for each
 * piece of which there is a copy now.
 */
export async function* gathered(
  pieces: AsyncIterable<string | Uint8Array>,
  least: number,
  copied: (piece: Uint8Array) => void = () => {},
): AsyncGenerator<Uint8Array> {
  let held: Uint8Array[] = [];
  let bytes = 0;
  for await (const given of pieces) {
    const piece = typeof given === 'string' ? Buffer.from(given) : given;
    held.push(piece);
    bytes += piece.length;
    if (bytes < least) continue;
    yield joined(held, copied);
    held = [];
    bytes = 0;
  }
  if (bytes > 0) yield joined(held, copied);
}

function joined(pieces: readonly Uint8Array[], copied: (piece: Uint8Array) => void): Uint8Array {
  const [first] = pieces;
  if (first && pieces.length === 1) return first;
  const whole = Buffer.concat(pieces);
  for (const piece of pieces) copied(piece);
  return whole;
}

/** What is pushed, for who takes it when he wants it: no more is asked for meanwhile. The work ends when nobody takes any more of it. */
export async function* pulled<T>(
  work: (push: (piece: T) => Promise<void>, signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): AsyncGenerator<T> {
  const over = new AbortController();
  const { readable, writable } = new TransformStream<T, T>();
  const writer = writable.getWriter();
  const push = (piece: T) => writer.write(piece);
  const working = work(push, AbortSignal.any([signal, over.signal])).then(
    () => writer.close(),
    (error: unknown) => writer.abort(error),
  );
  try {
    yield* readable;
  } finally {
    over.abort(new Error('nobody takes more of it'));
    await working.catch(() => {});
  }
}
