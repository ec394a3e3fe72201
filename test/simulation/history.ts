/** What clients asked and saw, in the order in which it happened: all that the invariants are checked on. */
import type { Change, ListQuery, ObjectKey, Stored, StoredEvent, WatchQuery } from '../../src/machinery/storage.ts';

export type Call =
  | { readonly is: 'write'; readonly change: Change }
  | { readonly is: 'get' | 'peek'; readonly key: ObjectKey }
  | { readonly is: 'list'; readonly query: ListQuery }
  | { readonly is: 'latest' };

export interface Page {
  readonly rv: number;
  readonly items: readonly Stored[];
  readonly remaining: number;
}

/** `cut`: the process died, or the caller went away, so nobody knows. `down`: there was no process to ask. */
export type Answer =
  | { readonly is: 'value'; readonly value: number | Stored | Page | undefined }
  | { readonly is: 'error'; readonly error: Error }
  | { readonly is: 'cut' }
  | { readonly is: 'down' };

export interface Operation {
  readonly id: number;
  /** The run of a process that was asked. */
  readonly life: string;
  readonly call: Call;
  /** Moments: what ended before another began has the lower number. */
  readonly start: number;
  end: number;
  answer: Answer | undefined;
}

/** One watch of one client, from where it began or went on to where it was cut. */
export interface WatchSession {
  readonly id: number;
  readonly life: string;
  readonly query: WatchQuery;
  readonly start: number;
  readonly events: { readonly moment: number; readonly event: StoredEvent }[];
  /** Numbers up to which the server has said that all was delivered, and how many events had been by then. */
  readonly bookmarks: { readonly moment: number; readonly rv: number; readonly events: number }[];
  end: number;
  answer: Answer | undefined;
}

/** A client that lists, watches, goes on after a cut, and keeps what it has learnt. */
export interface Informer {
  readonly resource: string;
  readonly namespace: string | undefined;
  /** By namespace and name. */
  readonly objects: Map<string, { readonly rv: number; readonly json: string }>;
  position: number;
}

export class History {
  readonly operations: Operation[] = [];
  readonly watches: WatchSession[] = [];
  readonly informers: Informer[] = [];
  readonly counts = new Map<string, number>();
  readonly #tell: ((line: string) => void) | undefined;
  #moment = 0;

  /** `tell` gets the lines of a readable trace. */
  constructor(tell: ((line: string) => void) | undefined) {
    this.#tell = tell;
  }

  /** A number above all before. */
  moment(): number {
    return ++this.#moment;
  }

  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  tell(line: () => string): void {
    this.#tell?.(line());
  }

  begin(life: string, call: Call): Operation {
    const operation = { id: this.operations.length, life, call, start: this.moment(), end: Number.POSITIVE_INFINITY, answer: undefined };
    this.operations.push(operation);
    this.tell(() => `${life} < #${operation.id} ${textOf(call)}`);
    return operation;
  }

  finish(operation: Operation, answer: Answer): void {
    operation.answer = answer;
    operation.end = this.moment();
    this.count(`${operation.call.is}: ${answer.is === 'error' ? answer.error.name : answer.is}`);
    this.tell(() => `${operation.life} > #${operation.id} ${answerText(answer)}`);
  }
}

export function textOf(call: Call): string {
  if (call.is === 'latest') return 'latest';
  if (call.is === 'list') return `list ${JSON.stringify(call.query)}`;
  if (call.is !== 'write') return `${call.is} ${idOf(call.key)}`;
  const { change } = call;
  return `${change.op} ${idOf(change.key)}${'expect' in change ? ` at ${change.expect}` : ''}`;
}

export function answerText(answer: Answer | undefined): string {
  if (answer === undefined) return 'nothing';
  if (answer.is === 'error') return `${answer.error.name}: ${answer.error.message}`;
  return answer.is === 'value' ? (JSON.stringify(answer.value) ?? 'nothing there') : answer.is;
}

export function idOf({ resource, namespace, name }: ObjectKey): string {
  return `${resource}/${namespace}/${name}`;
}
