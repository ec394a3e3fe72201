/** What tar says on standard error, line by line: whether it is a fault, or what happens while a volume is in use. */

/** Lines that are kept. */
const mostKept = 20;
/** Characters of a line. */
const longestLine = 1_000;

/** Files that have changed, come or gone while they were read, and sockets, which hold nothing; in the words of GNU tar and of busybox. */
const harmless: readonly RegExp[] = [
  /: file changed as we read it$/,
  /: File removed before we read it$/,
  /: File shrank by \d+ bytes; padding with zeros$/,
  /: No such file or directory$/,
  /: socket ignored$/,
  /: unknown file type$/,
  /time stamp .* in the future$/,
  /implausibly old time stamp/,
];
/** Only root may read it, and a file system has it of its own. */
const unwanted = /: (?:\.\/)?lost\+found/;
/** Of a line before, in which it is said what it was. */
const summaries = /Exiting with failure status due to previous errors$|error exit delayed from previous errors$/;

export class TarComplaints {
  readonly #warnings: string[] = [];
  #more = 0;
  #fault: string | undefined;
  #last = '';
  #rest = '';
  readonly #mark: string | undefined;

  /** `mark`: a line that is no complaint. */
  constructor(mark?: string) {
    this.#mark = mark;
  }

  /** Whether the mark came with it. */
  add(piece: Uint8Array): boolean {
    const lines = (this.#rest + Buffer.from(piece).toString()).split('\n');
    this.#rest = (lines.pop() ?? '').slice(0, longestLine);
    const said = lines.filter((line) => line !== this.#mark);
    for (const line of said) this.#take(line.trim().slice(0, longestLine));
    return said.length < lines.length;
  }

  /** No more comes. */
  end(): void {
    if (this.#rest !== '') this.#take(this.#rest.trim());
    this.#rest = '';
  }

  /** The first line that tells of something that was not read or written. */
  get fault(): string | undefined {
    return this.#fault;
  }

  get lastWords(): string {
    return this.#last || 'it said nothing';
  }

  get warnings(): readonly string[] {
    return this.#more === 0 ? this.#warnings : [...this.#warnings, `and ${this.#more} more of these`];
  }

  #take(line: string): void {
    if (line === '' || summaries.test(line) || unwanted.test(line)) return;
    this.#last = line;
    if (!harmless.some((pattern) => pattern.test(line))) this.#fault ??= line;
    else if (this.#warnings.length < mostKept) this.#warnings.push(line);
    else this.#more++;
  }
}
