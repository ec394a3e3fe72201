/**
 * Writes and reads. Every change has a number, and the numbers are the order; so a history is right when each answer is true at
 * a number between the highest that anybody had seen before the call, and the highest that was there at its end.
 */
import {
  StorageConflict,
  StorageExists,
  StorageExpired,
  StorageFuture,
  StorageMissing,
  StorageUnavailable,
  StorageUnknown,
} from '../../src/machinery/storage.ts';
import type { ListQuery, ObjectKey, Change as Wanted } from '../../src/machinery/storage.ts';
import type { Checked } from './checked.ts';
import { CallerGone } from './client.ts';
import type { Operation, Page } from './history.ts';
import { answerText, idOf, textOf } from './history.ts';
import type { Change } from './read-log.ts';

/** The numbers at which an answer may be true. */
interface Range {
  readonly low: number;
  readonly high: number;
}

export function checkOperations(checked: Checked): void {
  new Operations(checked).check();
}

class Operations {
  readonly #checked: Checked;
  readonly #byText: ReadonlyMap<string, Change>;
  /** The highest number that anybody was shown so far; and that each run of a process has shown. */
  #seen = 1;
  readonly #seenBy = new Map<string, number>();
  readonly #low = new Map<Operation, { readonly seen: number; readonly seenThere: number }>();

  constructor(checked: Checked) {
    this.#checked = checked;
    this.#byText = new Map(checked.log.changes.filter(({ op }) => op !== 'delete').map((change) => [change.json, change]));
  }

  check(): void {
    const { history } = this.#checked;
    const moments: [number, () => void][] = [];
    for (const operation of history.operations) {
      moments.push([operation.start, () => this.#begin(operation)]);
      if (operation.answer !== undefined) moments.push([operation.end, () => this.#end(operation)]);
    }
    for (const { life, events } of history.watches)
      for (const { moment, event } of events) moments.push([moment, () => this.#show(life, event.rv)]);
    for (const [, run] of moments.sort(([a], [b]) => a - b)) run();
    this.#checkDeletes();
  }

  #begin(operation: Operation): void {
    this.#low.set(operation, { seen: this.#seen, seenThere: this.#seenBy.get(operation.life) ?? 1 });
  }

  #show(life: string, rv: number): void {
    this.#seen = Math.max(this.#seen, rv);
    this.#seenBy.set(life, Math.max(this.#seenBy.get(life) ?? 1, rv));
  }

  #end(operation: Operation): void {
    const { call } = operation;
    const { seen, seenThere } = this.#low.get(operation) ?? { seen: 1, seenThere: 1 };
    const high = this.#checked.log.rvAt(operation.end);
    if (call.is === 'write') this.#checkWrite(operation, call.change, { low: seen, high });
    else if (call.is === 'list') this.#checkList(operation, call.query, { low: call.query.at === 'latest' ? seen : seenThere, high });
    else this.#checkRead(operation, { low: call.is === 'peek' ? seenThere : seen, high });
  }

  #checkWrite(operation: Operation, change: Wanted, range: Range): void {
    const { answer } = operation;
    const done = this.#find(change);
    if (done !== undefined && change.op !== 'delete' && done.rv <= range.low && answer?.is === 'value')
      this.#fail(operation, 'A1', `has number ${done.rv}, not above ${range.low}, which was seen before it began`);
    if (answer?.is === 'value') this.#checkAcknowledged(operation, change, Number(answer.value), range);
    else if (answer?.is === 'error') this.#checkRefusal(operation, change, answer.error, range);
    else if (answer?.is === 'down' && change.op !== 'delete' && done !== undefined)
      this.#fail(operation, 'A14', 'was never asked for, and is in the log');
  }

  #checkAcknowledged(operation: Operation, wanted: Wanted, rv: number, { low }: Range): void {
    const change = this.#checked.log.change(rv);
    const isIt =
      change !== undefined &&
      change.op === wanted.op &&
      idOf(change.key) === idOf(wanted.key) &&
      (wanted.op === 'delete' || change.json === wanted.json);
    if (!isIt)
      this.#fail(
        operation,
        'L3',
        `was acknowledged, but number ${rv} of the log is ${change === undefined ? 'nothing' : `${change.op} ${idOf(change.key)} ${change.json}`}`,
      );
    else if (rv <= low) this.#fail(operation, 'A1', `has number ${rv}, and ${low} was seen before it began`);
    else if ('expect' in wanted && change.prev !== wanted.expect) this.#fail(operation, 'A13', `replaced ${change.prev}`);
    this.#show(operation.life, rv);
  }

  #checkRefusal(operation: Operation, change: Wanted, error: Error, range: Range): void {
    if (error instanceof StorageUnknown || error instanceof CallerGone) return;
    const done = change.op === 'delete' ? undefined : this.#find(change);
    if (done !== undefined) this.#fail(operation, 'A14', `was refused, and is in the log at ${done.rv}`);
    if (error instanceof StorageUnavailable) return;
    const isRefusal = error instanceof StorageExists || error instanceof StorageConflict || error instanceof StorageMissing;
    if (!isRefusal) return this.#fail(operation, 'A13', `was answered with an error that no write may have`);
    const isTrue = this.#someVersion(change.key, range, (rv) => {
      if (error instanceof StorageMissing) return change.op !== 'create' && rv === undefined;
      if (error instanceof StorageExists) return change.op === 'create' && rv !== undefined;
      return 'expect' in change && rv !== undefined && rv !== change.expect;
    });
    if (isTrue === undefined) this.#fail(operation, 'A13', `was refused, which is true at no number from ${range.low} to ${range.high}`);
  }

  #checkRead(operation: Operation, range: Range): void {
    const { call, answer } = operation;
    if (answer?.is === 'error') return this.#checkUnavailable(operation, answer.error);
    if (answer?.is !== 'value' || call.is === 'write' || call.is === 'list') return;
    const { value } = answer;
    const invariant = call.is === 'peek' ? 'A2 (any)' : 'A2';
    if (call.is === 'latest') {
      if (typeof value !== 'number' || value < range.low || value > range.high)
        this.#fail(operation, invariant, `is not from ${range.low} to ${range.high}`);
      else this.#show(operation.life, value);
      return;
    }
    const found = typeof value === 'object' && 'json' in value ? value : undefined;
    const at = this.#someVersion(call.key, range, (rv) => rv === found?.rv);
    if (at === undefined) return this.#fail(operation, invariant, `is true at no number from ${range.low} to ${range.high}`);
    if (found !== undefined && this.#checked.log.at(call.key, at)?.json !== found.json)
      this.#fail(operation, invariant, 'is not the text of that number');
    this.#show(operation.life, at);
  }

  #checkList(operation: Operation, query: ListQuery, range: Range): void {
    const { answer } = operation;
    if (answer?.is === 'error') return this.#checkListError(operation, query, answer.error, range);
    if (answer?.is !== 'value') return;
    const page = answer.value as Page;
    const { log } = this.#checked;
    const isNumber = typeof query.at === 'object';
    const isExact = isNumber && query.at.exact;
    const [low, high] = isExact ? [query.at.rv, query.at.rv] : [isNumber ? Math.max(query.at.rv, range.low) : range.low, range.high];
    if (page.rv < low || page.rv > high)
      return this.#fail(operation, isExact ? 'A3' : 'A2', `is of number ${page.rv}, not from ${low} to ${high}`);
    const all = log.state(page.rv, query.resource, query.namespace);
    const behind = query.after === undefined ? all : all.filter(({ key }) => isBehind(key, query.after));
    const wanted = behind.slice(0, query.limit);
    if (JSON.stringify(page.items.map(plain)) !== JSON.stringify(wanted.map(plain)))
      this.#fail(operation, 'A3', `is not what the log has at ${page.rv}: ${JSON.stringify(wanted)}`);
    else if (page.remaining !== behind.length - wanted.length)
      this.#fail(operation, 'A3', `says that ${page.remaining} remain, not ${behind.length - wanted.length}`);
    this.#show(operation.life, page.rv);
  }

  #checkListError(operation: Operation, query: ListQuery, error: Error, { high }: Range): void {
    const { log, window } = this.#checked;
    const rv = typeof query.at === 'object' ? query.at.rv : 0;
    if (error instanceof StorageExpired) {
      if (rv === 0 || rv >= horizonAt(high, window.changes))
        this.#fail(operation, 'A12', `was refused as too old, and ${high} is the newest`);
    } else if (error instanceof StorageFuture) {
      if (rv <= (this.#low.get(operation)?.seenThere ?? 1) || rv > log.rv) this.#fail(operation, 'A2', 'was refused as not there yet');
    } else this.#checkUnavailable(operation, error);
  }

  #checkUnavailable(operation: Operation, error: Error): void {
    if (!(error instanceof StorageUnavailable) && !(error instanceof CallerGone))
      this.#fail(operation, 'A2', 'was answered with an error that no read may have');
  }

  /** A number of the range at which the object has a version that is right. */
  #someVersion(key: ObjectKey, { low, high }: Range, isRight: (rv: number | undefined) => boolean): number | undefined {
    const { log } = this.#checked;
    const numbers = [low, ...(log.versions.get(idOf(key)) ?? []).flatMap(({ rv, until }) => [rv, until])];
    return numbers.filter((rv) => rv >= low && rv <= high).find((rv) => isRight(log.at(key, rv)?.rv));
  }

  #find(wanted: Wanted): Change | undefined {
    return wanted.op === 'delete' ? undefined : this.#byText.get(wanted.json);
  }

  /** A14 for deletes, which have no text of their own: each was asked for, and not refused. */
  #checkDeletes(): void {
    const { log, history, fail } = this.#checked;
    for (const change of log.changes.filter(({ op }) => op === 'delete')) {
      const isAnswer = ({ call, answer }: Operation) =>
        call.is === 'write' &&
        call.change.op === 'delete' &&
        call.change.expect === change.prev &&
        idOf(call.change.key) === idOf(change.key) &&
        (answer === undefined ||
          answer.is === 'cut' ||
          (answer.is === 'value'
            ? answer.value === change.rv
            : answer.is === 'error' && (answer.error instanceof StorageUnknown || answer.error instanceof CallerGone)));
      if (!history.operations.some(isAnswer))
        fail('A14', `number ${change.rv} deletes ${idOf(change.key)}, and nobody has asked for that, or it was refused`);
    }
  }

  #fail({ id, life, call, answer }: Operation, invariant: string, message: string): void {
    this.#checked.fail(invariant, `#${id} ${textOf(call)} at ${life}: ${answerText(answer)}: ${message}`);
  }
}

/** Nothing newer than this may be forgotten. */
export function horizonAt(rv: number, changes: number): number {
  return Math.max(1, rv - changes);
}

function isBehind({ namespace, name }: ObjectKey, after: ListQuery['after']): boolean {
  return after === undefined || `${namespace}\0${name}` > `${after.namespace}\0${after.name}`;
}

function plain({ key, rv, json }: Page['items'][number]): readonly (string | number)[] {
  return [idOf(key), rv, json];
}
