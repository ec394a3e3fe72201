/** What a command that talks to a cluster is given: a Terminal, and the streams of the process. */
import type { Terminal } from './terminal.ts';

export interface Shell extends Terminal {
  /** How it was called, for help and hints: `kubectl kylon`, or `kylon`. */
  readonly program: string;
  /** Aborts at Ctrl-C. */
  readonly signal: AbortSignal;
  /** Whether a person sits there who can be asked, and sees a bar move. */
  readonly isInteractive: boolean;
  /** Characters in a line of the terminal. */
  readonly columns: number;
  /** Standard output, as it is. Resolves when there is room for more. */
  write(piece: string | Uint8Array): Promise<void>;
  /** A line on standard error. */
  tell(text: string): void;
  /** Puts this in the place of the last line on standard error; empty takes it away. */
  redraw(text: string): void;
  /** All of standard input. */
  input(): Promise<string>;
  /** A line that the person types, without its line break. */
  ask(question: string): Promise<string>;
}
