import { describe, expect, it } from 'vitest';
import { createLog } from '../../src/base/log.ts';
import type { Log } from '../../src/base/log.ts';
import { timedOut, unavailable } from '../../src/machinery/errors.ts';
import { apiErrorOf } from '../../src/server/failure.ts';

describe('what the log tells of an answer of 500 and above', () => {
  it.each([
    ['no cause', unavailable('it is gone'), undefined],
    ['the words of a cause once', unavailable('not available: gone', new Error('gone', { cause: new Error('gone') })), undefined],
    [
      'what causes add',
      timedOut('late', new Error('no answer: refused', { cause: new Error('refused', { cause: new Error('no route') }) })),
      'no answer: refused: no route',
    ],
  ])('is %s', (_, error, cause) => {
    const told: unknown[] = [];
    const log: Log = { ...createLog('silent'), warn: (...line) => void told.push(line) };
    expect(apiErrorOf(error, log, 'id')).toBe(error);
    expect(told).toEqual([[error.message, { auditId: 'id', code: error.code, cause }]]);
  });
});
