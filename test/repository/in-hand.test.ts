import { expect, it } from 'vitest';
import { InHand } from '../../src/repository/protocol/in-hand.ts';

it('of one namespace are a hundred requests in hand, and others have room', () => {
  const inHand = new InHand();
  const requests = Array.from({ length: 100 }, () => new AbortController());
  for (const { signal } of requests) inHand.take('shop', signal);
  const next = () => inHand.take('shop', new AbortController().signal);
  expect(next).toThrow('100 requests of the namespace are in hand already');
  inHand.take('other', new AbortController().signal);
  requests[0]?.abort();
  next();
  expect(next).toThrow('in hand already');
});
