/**
 * What a run tells its owner, line by line: `TIME LEVEL MESSAGE`. Kept in memory while the run lasts, so that it can be followed,
 * and stored with what the run leaves. Bounded: beyond `limit` characters lines are counted, not kept.
 */
import type { Clock } from '../../base/clock.ts';

type Level = 'INFO' | 'WARN' | 'ERROR';

/** Ordinary lines may fill the first part; the rest is for warnings and errors. */
const infoLimit = 4 * 1024 * 1024;
const limit = 8 * 1024 * 1024;

export class RunLog {
  readonly #clock: Clock;
  readonly #lines: string[] = [];
  #size = 0;
  #dropped = 0;
  #warnings = 0;
  #errors = 0;
  #closed = false;
  /** Resolves at the next line, or at the end. */
  #news = Promise.withResolvers<void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get warnings(): number {
    return this.#warnings;
  }

  get errors(): number {
    return this.#errors;
  }

  info(message: string): void {
    this.#add('INFO', message, infoLimit);
  }

  warn(message: string): void {
    this.#warnings += 1;
    this.#add('WARN', message, limit);
  }

  error(message: string): void {
    this.#errors += 1;
    this.#add('ERROR', message, limit);
  }

  /** Everything so far, or what came after the first `from` lines; each line with its line break. */
  text(from = 0): string {
    return this.#lines.slice(from).join('');
  }

  /** What was warned of, without times, in one line. */
  warned(): string {
    const texts = this.#lines.flatMap((line) => /^\S+ WARN ([^\n]*)\n$/.exec(line)?.[1] ?? []);
    return texts.join('; ');
  }

  /** No further lines: followers come to their end. */
  close(): void {
    if (this.#closed) return;
    if (this.#dropped) this.#push('WARN', `${this.#dropped} lines were left out of this log: it is full`);
    this.#closed = true;
    this.#wake();
  }

  /** How many lines there are so far. */
  get length(): number {
    return this.#lines.length;
  }

  /** Every line after the first `from`, as they come. Ends with the run, or when the signal aborts. */
  async *follow(from: number, signal: AbortSignal): AsyncIterable<string> {
    signal.addEventListener('abort', () => this.#wake(), { once: true });
    for (let next = from; !signal.aborted;) {
      const line = this.#lines[next];
      if (line !== undefined) {
        next += 1;
        yield line;
      } else if (this.#closed) return;
      else await this.#news.promise;
    }
  }

  #add(level: Level, message: string, room: number): void {
    if (this.#closed) return;
    if (this.#size + message.length > room) this.#dropped += 1;
    else this.#push(level, message);
  }

  #push(level: Level, message: string): void {
    const line = `${new Date(this.#clock.now()).toISOString()} ${level} ${message.replaceAll(/\s*[\r\n]+\s*/g, ' ')}\n`;
    this.#lines.push(line);
    this.#size += line.length;
    this.#wake();
  }

  #wake(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }
}
