/** The token for the rest of a list. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeContinue, encodeContinue } from '../../../src/machinery/reading/continue.ts';

const name = fc.stringMatching(/^[a-z0-9]([a-z0-9.-]{0,20}[a-z0-9])?$/);

describe('continue tokens', () => {
  it('come back as they went, for every place', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1 }), name, name, (rv, namespace, object) => {
        expect(decodeContinue(encodeContinue({ rv, after: { namespace, name: object } }), true)).toEqual({
          rv,
          after: { namespace, name: object },
        });
        expect(decodeContinue(encodeContinue({ rv: -1, after: { namespace: '', name: object } }), false)).toEqual({
          rv: -1,
          after: { namespace: '', name: object },
        });
      }),
    );
  });

  it('look like those of Kubernetes', () => {
    const token = encodeContinue({ rv: 7, after: { namespace: 'a', name: 'x' } });
    expect(Buffer.from(token, 'base64url').toString()).toBe('{"v":"meta.k8s.io/v1","rv":7,"start":"a/x\\u0000"}');
  });

  it('are refused with 400 when they are anything else', () => {
    const token = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const bad = [
      '%%',
      'AAAA',
      token([]),
      token('x'),
      token({ v: 'v2', rv: 1, start: 'a/x' }),
      token({ v: 'meta.k8s.io/v1', rv: 0, start: 'a/x' }),
    ];
    for (const text of [...bad, token({ v: 'meta.k8s.io/v1', rv: 1 }), token({ v: 'meta.k8s.io/v1', rv: 1, start: 'x\u0000' })])
      expect(() => decodeContinue(text, true)).toThrow(/^invalid continue token: /);
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(() => decodeContinue(text, true)).toThrow(/^invalid continue token: /);
      }),
    );
  });
});
