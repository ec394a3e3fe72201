/**
 * Carries out the verifications that are asked for, one at a time. A claim in the status says which replica does; one that has died
 * is followed by another replica, or by the next process, from the beginning.
 */
import { rfc3339 } from '../../base/clock.ts';
import { messageOf, withDeadline } from '../../base/lifetime.ts';
import type { KubeObject } from '../../machinery/object.ts';
import type { ObjectRef } from '../../machinery/objects.ts';
import type { Backup } from '../../resources/backup.ts';
import type { Verification } from '../../resources/verified.ts';
import type { EngineParts } from '../parts.ts';
import { Claims } from '../runs/claim.ts';
import { recordEvent } from '../runs/events.ts';
import { RunAbandoned } from '../runs/failure.ts';
import { runFolder } from '../runs/files.ts';
import { persistent } from '../runs/persist.ts';
import { Progress } from '../runs/progress.ts';
import { WorkQueue } from '../runs/queue.ts';
import { isDeleted, refOf } from '../runs/run-status.ts';
import { Findings } from './faults.ts';
import { isVerifying, verificationOf, withVerification } from './verification.ts';
import { verifyFolder } from './verify-folder.ts';
import { storeOf } from '../stores/stores.ts';

/** Backups that may wait; with more, they are looked for again. */
const queueLimit = 1_000;
/** Milliseconds until a claim of another replica is looked at again. */
const lookAgain = 10_000;
/** For the last words of one that a shutdown ends. */
const farewell = 5_000;

interface Attempt {
  readonly target: ObjectRef;
  readonly id: string;
  readonly findings: Findings;
  readonly signal: AbortSignal;
}

export class Verifier {
  readonly #parts: EngineParts;
  readonly #claims: Claims;
  readonly #queue: WorkQueue<ObjectRef>;
  /** Those at work here, by the uid of the Backup; stopped when it goes. */
  readonly #running = new Map<string, { readonly id: string; readonly stop: AbortController }>();

  constructor(parts: EngineParts) {
    const { clock, log } = parts;
    this.#parts = parts;
    this.#claims = new Claims(parts, (object) => (isVerifying(object) ? verificationOf(object)?.run : undefined));
    const work = (target: ObjectRef, signal: AbortSignal) => this.#perform(target, signal);
    this.#queue = new WorkQueue<ObjectRef>({
      name: 'the verification of a backup',
      concurrency: 1,
      limit: queueLimit,
      clock,
      log,
      groupOf: ({ namespace }) => namespace,
      work,
    });
  }

  /** Works until the signal aborts. */
  run(signal: AbortSignal): Promise<void> {
    return this.#queue.run(signal);
  }

  /** False where there is no room for one that has to be verified: then it has to be shown again. */
  see(object: KubeObject, gone: boolean): boolean {
    const target = refOf(object);
    const running = this.#running.get(target.uid);
    if (!gone && isVerifying(object)) {
      const isOurs = running !== undefined && verificationOf(object)?.run?.id === running.id;
      return isOurs || this.#queue.add(target.uid, target);
    }
    this.#claims.forget(target.uid);
    if (gone || isDeleted(object)) running?.stop.abort(new RunAbandoned('it was deleted'));
    return true;
  }

  /** Resolves to the milliseconds after which to look again, if that is needed. */
  async #perform(target: ObjectRef, signal: AbortSignal): Promise<number | undefined> {
    const { objects, backups, ids } = this.#parts;
    const object = await objects.get(backups, target.namespace, target.name, signal);
    if (object?.metadata.uid !== target.uid || !object || !isVerifying(object)) return undefined;
    if (!this.#claims.isFree(object)) return lookAgain;
    const stop = new AbortController();
    const id = ids.hex(8);
    this.#running.set(target.uid, { id, stop });
    try {
      const attempt = { target, id, findings: new Findings(), signal: AbortSignal.any([signal, stop.signal]) };
      const claimed = await this.#claim(attempt, object);
      if (!claimed) return lookAgain;
      await this.#carryOut(attempt, claimed, signal);
      return undefined;
    } finally {
      this.#running.delete(target.uid);
    }
  }

  /** Undefined where somebody was faster. */
  async #claim({ target, id, signal }: Attempt, seen: KubeObject): Promise<KubeObject | undefined> {
    const { objects, backups, replica } = this.#parts;
    const before = verificationOf(seen)?.run?.id;
    const claimed = (object: KubeObject): KubeObject => {
      const verification = verificationOf(object);
      if (!verification || !isVerifying(object) || verification.run?.id !== before) return object;
      return withVerification(object, { ...verification, run: { id, replica } });
    };
    const written = await objects.update(backups, target, 'status', claimed, signal);
    return written && verificationOf(written)?.run?.id === id ? written : undefined;
  }

  async #carryOut(attempt: Attempt, object: KubeObject, lasting: AbortSignal): Promise<void> {
    const { log } = this.#parts;
    try {
      await this.#end(attempt, await this.#verify(attempt, object));
    } catch (error) {
      if (lasting.aborted) return this.#giveBack(attempt);
      if (!(error instanceof RunAbandoned)) throw error;
      log.info('a verification was given up', { uid: attempt.target.uid, reason: error.message });
    }
  }

  /** Why it could not be done to its end; undefined where it was. */
  async #verify({ target, id, findings, signal }: Attempt, object: KubeObject): Promise<string | undefined> {
    const parts = this.#parts;
    const { archive, items, run } = (object as Backup).status;
    const stop = new AbortController();
    const timer = new AbortController();
    const within = AbortSignal.any([signal, stop.signal]);
    const progress = new Progress(parts.clock, (_, signal) => this.#renew({ target, id, findings, signal }));
    void progress.run(AbortSignal.any([within, timer.signal])).catch((error: unknown) => {
      if (!timer.signal.aborted) stop.abort(error);
    });
    const folder = runFolder(parts.domain, 'backup', target.uid, run?.id ?? '');
    const report = () => progress.report({ items: findings.items });
    try {
      await verifyFolder({ store: storeOf(parts, object), folder, recorded: { archive, items }, findings, report }, within);
      return undefined;
    } catch (error) {
      if (within.aborted) throw within.reason;
      parts.log.warn('a backup could not be verified', { uid: target.uid, error: messageOf(error) });
      return messageOf(error);
    } finally {
      timer.abort(new Error('the verification has ended'));
    }
  }

  /** Says that this replica is still at work, and how far it is. */
  async #renew(attempt: Attempt): Promise<void> {
    const renewed = rfc3339(this.#parts.clock.now());
    try {
      await this.#change(attempt, (object, { run, ...before }) =>
        withVerification(object, { ...before, ...attempt.findings.found, ...(run && { run: { ...run, renewed } }) }),
      );
    } catch (error) {
      if (error instanceof RunAbandoned) throw error;
      this.#parts.log.warn('progress was not written', { uid: attempt.target.uid, error: messageOf(error) });
    }
  }

  /** `unread` says why it could not be done to its end. */
  async #end(attempt: Attempt, unread: string | undefined): Promise<void> {
    const parts = this.#parts;
    const { findings, signal } = attempt;
    if (unread !== undefined) findings.fault('', `it could not be verified to its end: ${unread}`);
    const { found } = findings;
    const now = parts.clock.now();
    const phase = found.faultCount === 0 ? 'Passed' : 'Failed';
    const status = phase === 'Passed' ? 'True' : unread === undefined ? 'False' : 'Unknown';
    const message = phase === 'Passed' ? `${found.items} items, ${found.bytes} bytes are as they were written.` : textOf(found);
    const ended = { ...found, phase, completionTimestamp: rfc3339(now) } as const;
    const object = await persistent(parts.clock, signal, () =>
      this.#change(attempt, (object, before) => withVerification(object, { ...before, ...ended }, { status, reason: phase, message }, now)),
    );
    const event =
      phase === 'Passed' ? ({ type: 'Normal', reason: 'Verified' } as const) : ({ type: 'Warning', reason: 'VerificationFailed' } as const);
    await recordEvent(parts, object, { ...event, message }, signal);
  }

  /** A shutdown: the next process may begin at once. */
  async #giveBack(attempt: Attempt): Promise<void> {
    const { clock, log } = this.#parts;
    const late = () => new Error(`no answer within ${farewell} ms`);
    const release = (signal: AbortSignal) =>
      this.#change({ ...attempt, signal }, (object, before) => withVerification(object, unclaimed(before)));
    await withDeadline(clock, farewell, AbortSignal.any([]), late, release).catch((error: unknown) =>
      log.warn('a claim was not given back', { error: messageOf(error) }),
    );
  }

  /** Changes the Backup as long as the verification is this one; rejects with RunAbandoned otherwise. */
  async #change({ target, id, signal }: Attempt, how: (object: KubeObject, verification: Verification) => KubeObject): Promise<KubeObject> {
    const { objects, backups } = this.#parts;
    let ours = false;
    const changed = (object: KubeObject): KubeObject => {
      const verification = verificationOf(object);
      ours = isVerifying(object) && verification?.run?.id === id;
      return ours && verification ? how(object, verification) : object;
    };
    const written = await objects.update(backups, target, 'status', changed, signal);
    if (!written || !ours) throw new RunAbandoned('the backup was deleted, or is verified by another replica');
    return written;
  }
}

function unclaimed(verification: Verification): Verification {
  const { run: _, ...rest } = verification;
  return rest;
}

function textOf({ faultCount, faults: [first] }: Findings['found']): string {
  const where = first && [first.file, first.item].filter(Boolean).join(': ');
  return `${faultCount} ${faultCount === 1 ? 'fault' : 'faults'}, the first one: ${where ? `${where}: ` : ''}${first?.message ?? ''}`;
}
