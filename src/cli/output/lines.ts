/** The lines of a text that comes in pieces, each with its line break as soon as that is there. */

/** Longer lines are cut in pieces. In bytes. */
const longest = 1 << 20;
const lineBreak = 0x0a;

export async function* linesOf(pieces: AsyncIterable<Uint8Array>): AsyncIterable<string> {
  let rest = Buffer.alloc(0);
  for await (const piece of pieces) {
    rest = Buffer.concat([rest, piece]);
    for (let end = rest.indexOf(lineBreak); end >= 0; end = rest.indexOf(lineBreak)) {
      yield rest.toString('utf8', 0, end + 1);
      rest = rest.subarray(end + 1);
    }
    if (rest.length > longest) {
      yield rest.toString();
      rest = Buffer.alloc(0);
    }
  }
  if (rest.length > 0) yield rest.toString();
}
