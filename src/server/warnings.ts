/** Warning headers: https://github.com/kubernetes/enhancements/tree/master/keps/sig-api-machinery/1693-warnings */

/** Characters of all warnings together above which each is cut, and to what. */
const roomForAll = 4096;
const roomForEach = 256;

/** Warnings of one answer: Python's http.client refuses an answer of more than 100 header lines, and some are not ours. */
const most = 64;

/** One header value for each warning, each once; when there is too much to say, long ones are cut and the last ones left out. */
export function warningHeaders(texts: readonly string[]): readonly string[] {
  const different = [...new Set(texts.map(printable))].filter((text) => text !== '').slice(0, most);
  if (lengthOf(different) <= roomForAll) return different.map(header);
  return fitting(different.map((text) => Array.from(text).slice(0, roomForEach).join(''))).map(header);
}

/** The first ones, as many as there is room for. */
function fitting(texts: readonly string[]): readonly string[] {
  let room = roomForAll;
  const full = texts.findIndex((text) => (room -= lengthOf([text])) < 0);
  return full < 0 ? texts : texts.slice(0, full);
}

/** 299: it will be true tomorrow as well. `-`: the agent is not named. */
const header = (text: string) => `299 - "${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;

const printable = (text: string) => text.replaceAll(/\p{Cc}+/gu, ' ').trim();

const lengthOf = (texts: readonly string[]) => texts.reduce((sum, text) => sum + Array.from(text).length, 0);
