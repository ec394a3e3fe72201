/** With what the program ends. docs/plugin.md tells users. */

export const exits = {
  done: 0,
  /** There are differences, the answer is no, or it cannot be done on this machine. */
  no: 1,
  usage: 2,
  partiallyFailed: 3,
  failed: 4,
  /** By the server, in its words. */
  refused: 5,
  /** No answer came. */
  unreachable: 6,
  /** 128 + SIGINT, as shells have it. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof exits)[keyof typeof exits];

/** Ends the program with this code. The message is told as it stands; empty where all was said. */
export class Ending extends Error {
  override readonly name: string = 'Ending';
  readonly code: ExitCode;
  constructor(code: ExitCode, message = '', options: { cause?: unknown } = {}) {
    super(message, options);
    this.code = code;
  }
}

/** What was typed cannot be meant. */
export class UsageError extends Ending {
  override readonly name = 'UsageError';
  constructor(message: string, options: { cause?: unknown } = {}) {
    super(exits.usage, `error: ${message}`, options);
  }
}
