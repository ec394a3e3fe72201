/**
 * A place in a text of JSON that goes forward, value by value: for texts of so many small objects that to make all of them takes seconds. It
 * looks at no comma, and takes what is no JSON for what it is likest; where it cannot go on it throws a RangeError.
 */

const [quote, backslash, colon, comma] = [...Buffer.from('"\\:,')] as [number, number, number, number];
const [space, zero, nine] = [...Buffer.from(' 09')] as [number, number, number];
const [openObject, closeObject, openArray, closeArray] = [...Buffer.from('{}[]')] as [number, number, number, number];

/** Of 0 to 9 and a to f. */
const valueOfDigit = (byte: number) => (byte & 15) + 9 * (byte >>> 6);

export class JsonCursor {
  readonly #text: Uint8Array;
  #at = 0;
  /** Of the text that was passed last, without its quotes. */
  #start = 0;
  #end = 0;

  constructor(text: Uint8Array) {
    this.#text = text;
  }

  enterObject(): void {
    this.#expect(openObject);
  }

  enterArray(): void {
    this.#expect(openArray);
  }

  /** Whether a member comes; its name is the text that was passed last. Else the object is left. */
  nextMember(): boolean {
    if (this.#leaves(closeObject)) return false;
    this.passText();
    this.#expect(colon);
    return true;
  }

  /** Whether an item comes. Else the array is left. */
  nextItem(): boolean {
    return !this.#leaves(closeArray);
  }

  passText(): this {
    this.#expect(quote);
    const text = this.#text;
    let at = this.#at;
    for (let byte = text[at]; byte !== quote; byte = text[at]) {
      if (byte === undefined) throw tooEarly();
      at += byte === backslash ? 2 : 1;
    }
    this.#start = this.#at;
    this.#end = at;
    this.#at = at + 1;
    return this;
  }

  /** Whether the text that was passed last is this, of ASCII and without escapes. */
  isText(wanted: Uint8Array): boolean {
    if (this.#end - this.#start !== wanted.length) return false;
    for (let i = 0; i < wanted.length; i++) if (this.#text[this.#start + i] !== wanted[i]) return false;
    return true;
  }

  /** As it stands there, of ASCII. */
  get passedText(): string {
    return Buffer.from(this.#text.buffer, this.#text.byteOffset + this.#start, this.#end - this.#start).toString('latin1');
  }

  /** A text of hexadecimal digits, `digits` of them, the first of which fill `words`, eight each. What is no digit is taken for one. */
  passDigits(digits: number, words: Uint32Array): void {
    this.#expect(quote);
    const text = this.#text;
    let at = this.#at;
    for (let i = 0; i < words.length; i++) {
      let word = 0;
      for (const end = at + 8; at < end; at++) word = (word << 4) | valueOfDigit(text[at] ?? 0);
      words[i] = word;
    }
    this.#at += digits;
    this.#expect(quote);
  }

  /** A number without sign and fraction. */
  passCount(): number {
    let byte = this.#next();
    if (byte < zero || byte > nine) throw new RangeError('it has no number where one has to be');
    let [count, at] = [0, this.#at];
    for (; byte >= zero && byte <= nine; byte = this.#text[++at] ?? 0) count = count * 10 + byte - zero;
    this.#at = at;
    return count;
  }

  /** Whatever comes, and all that is in it. */
  passValue(): void {
    let depth = 0;
    do {
      const byte = this.#next();
      if (byte === quote) this.passText();
      else if (byte === colon) this.#at++;
      else if (byte === openObject || byte === openArray) [depth, this.#at] = [depth + 1, this.#at + 1];
      else if (byte === closeObject || byte === closeArray) [depth, this.#at] = [depth - 1, this.#at + 1];
      else this.#passWord();
    } while (depth > 0);
  }

  /** A number, or true, false, null. */
  #passWord(): void {
    const ends = [space, comma, colon, closeObject, closeArray];
    while (!ends.includes(this.#byte())) this.#at++;
  }

  #leaves(close: number): boolean {
    if (this.#next() !== close) return false;
    this.#at++;
    return true;
  }

  #expect(wanted: number): void {
    if (this.#next() !== wanted) throw new RangeError('it has something else than has to be there');
    this.#at++;
  }

  /** The next byte that is neither white nor a comma. */
  #next(): number {
    let byte = this.#byte();
    while (byte <= space || byte === comma) {
      this.#at++;
      byte = this.#byte();
    }
    return byte;
  }

  #byte(): number {
    const byte = this.#text[this.#at];
    if (byte === undefined) throw tooEarly();
    return byte;
  }
}

const tooEarly = () => new RangeError('it ends too early');
