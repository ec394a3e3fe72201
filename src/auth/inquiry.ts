/** Questions to the cluster whose answers may be reused for some seconds: many askers at once make one question. */
import type { Clock } from '../base/clock.ts';
import { unlessAborted, withDeadline } from '../base/lifetime.ts';
import { createExpiringCache } from './expiring-cache.ts';

/** As kube-apiserver gives its webhooks: milliseconds for an answer, and for its reuse. */
const answerTime = 10_000;
const reuseTime = 10_000;

export interface Inquiry<V> {
  /** Answers from memory, or joins the question under way, or asks. Failures are not remembered. Rejects at once when `signal` aborts. */
  ask(key: string, question: (signal: AbortSignal) => Promise<V>, signal: AbortSignal): Promise<V>;
}

/** Remembers at most `bound` answers. Open questions are as many as there are requests, and those are bounded where they come in. */
export function createInquiry<V>(clock: Clock, bound: number): Inquiry<V> {
  const answers = createExpiringCache<{ readonly value: V }>(clock, bound);
  const open = new Map<string, Promise<V>>();

  /** Not ended by the first asker's going away: others may wait for it. */
  const start = (key: string, question: (signal: AbortSignal) => Promise<V>): Promise<V> => {
    const late = () => new Error(`no answer in ${answerTime / 1000} s`);
    const flight = withDeadline(clock, answerTime, new AbortController().signal, late, question)
      .then((value) => {
        answers.set(key, { value }, reuseTime);
        return value;
      })
      .finally(() => open.delete(key));
    open.set(key, flight);
    return flight;
  };

  return {
    ask(key, question, signal) {
      const known = answers.get(key);
      if (known) return Promise.resolve(known.value);
      return unlessAborted(open.get(key) ?? start(key, question), signal);
    },
  };
}
