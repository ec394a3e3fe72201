/** The fuzz itself: its cases can be had again, and what is wrong with an answer is seen. */
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { caseOf } from './cases.ts';
import type { Case } from './cases.ts';
import { faultOf } from './verdict.ts';
import { canary } from './vocabulary.ts';
import type { Reply } from './wire.ts';

const numbers = Array.from({ length: 500 }, (_, n) => n);
const bytesOf = (seed: number) => numbers.map((number) => caseOf(seed, number).bytes.toString('latin1'));

describe('cases', () => {
  it('are the same for the same seed and number, and others for others', () => {
    expect(bytesOf(1)).toEqual(bytesOf(1));
    expect(new Set([...bytesOf(1), ...bytesOf(2)]).size).toBeGreaterThan(900);
  });

  it('are of both users, requests and noise', () => {
    const cases = numbers.map((number) => caseOf(1, number));
    for (const who of ['owner', 'limited']) expect(cases.filter((one) => one.who === who).length).toBeGreaterThan(50);
    expect(cases.filter(({ isOneRequest }) => !isOneRequest).length).toBeGreaterThan(3);
  });
});

describe('the verdict', () => {
  const asked: Case = { ...caseOf(1, 0), who: 'limited', isHead: false, mayStream: false, mayTimeOut: false };
  const status = (code: number, reason: string) => ({ kind: 'Status', apiVersion: 'v1', status: 'Failure', message: 'm', reason, code });
  const reply = (code: number, body: unknown, headers: Record<string, string> = { 'content-type': 'application/json' }): Reply => ({
    status: code,
    headers: new Map(Object.entries(headers)),
    body: Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
    complete: true,
  });
  const ours = (namespace: string) => namespace === 'ours';
  const object = (namespace: string) => ({ metadata: { namespace, name: 'a' } });

  it.each([
    ['an object of the own namespace', reply(200, object('ours'))],
    ['a refusal', reply(403, status(403, 'Forbidden'))],
    ['a stale number', reply(410, status(410, 'Expired'))],
    ['an answer that is not modified', reply(304, '', {})],
  ])('lets pass %s', (_, answer) => {
    expect(faultOf(asked, answer, ours)).toBeUndefined();
  });

  it.each([
    ['a 500', reply(500, status(500, 'InternalError'))],
    ['a 503', reply(503, status(503, 'ServiceUnavailable'))],
    ['a 504 for what had time enough', reply(504, status(504, 'Timeout'))],
    ['HTML', reply(404, '<html>', { 'content-type': 'text/html' })],
    ['an error without a Status', reply(404, {})],
    ['an error without a body', reply(400, '', {})],
    ['a Status that says something else', reply(404, status(403, 'NotFound'))],
    ['a reason that does not fit', reply(404, status(404, 'Forbidden'))],
    ['JSON that is none', reply(200, '{')],
    ['an object of another namespace', reply(200, object('theirs'))],
    ['what is kept in another namespace', reply(200, { message: canary })],
    ['the same, compressed', reply(200, gzipSync(canary), { 'content-type': 'application/json', 'content-encoding': 'gzip' })],
    ['the same, in an archive', reply(200, gzipSync(canary), { 'content-type': 'application/gzip' })],
  ])('catches %s', (_, answer) => {
    expect(faultOf(asked, answer, ours)).toBeDefined();
  });
});
