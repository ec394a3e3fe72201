/** Clocks for tests in which an engine waits for a cluster. */
import type { Clock } from '../../src/base/clock.ts';
import { systemClock } from '../../src/base/clock.ts';

const speed = 200;
/** Milliseconds of the longest pause between two looks; whatever is longer bounds something. */
const longestPause = 1000;

/** A second passes in a few milliseconds, and a deadline comes as soon. */
export const fastClock: Clock = {
  now: () => systemClock.now(),
  monotonic: () => systemClock.monotonic() * speed,
  sleep: (ms, signal) => systemClock.sleep(ms / speed, signal),
};

/** Whoever waits looks again in a few milliseconds, and has all the time for it: for tests in which no deadline is to come. */
export const impatientClock: Clock = {
  ...systemClock,
  sleep: (ms, signal) => systemClock.sleep(ms > longestPause ? ms : ms / speed, signal),
};
