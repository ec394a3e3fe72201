import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createChainVerifier, verifyChain } from '../../src/auth/chain.ts';
import { ManualClock } from '../manual-clock.ts';
import { authority, ellipticPair, hasOpenssl, issue } from './pki.ts';
import type { Pair } from './pki.ts';

const root = authority('root');
const other = authority('other');
const impostor = authority('root');
const intermediate = authority('intermediate', root);
const leafAsCa = issue(root, { cn: 'not-a-ca', ownKey: true });
const looseLeaf = issue(root, { cn: 'loose', ownKey: true, anyKeyUsage: true });
const client = issue(root, { cn: 'client' });

const parse = (pairs: readonly Pair[]) => pairs.map(({ cert }) => new X509Certificate(cert));
const verify = (presented: readonly Pair[], roots: readonly Pair[]) =>
  verifyChain(parse(presented), parse(roots), Date.now()) !== undefined;

describe('verifyChain', () => {
  it.each<[string, boolean, Pair[], Pair[]]>([
    ['a client of the CA', true, [client], [root]],
    ['a client of one of two CAs', true, [client], [other, root]],
    ['through an intermediate', true, [issue(intermediate, { cn: 'x' }), intermediate], [root]],
    ['through an intermediate that is trusted itself', true, [issue(intermediate, { cn: 'x' })], [intermediate]],
    ['any extended usage', true, [issue(root, { cn: 'x', usage: 'any' })], [root]],
    ['nobody', false, [], [root]],
    ['no CA', false, [client], []],
    ['another CA', false, [client], [other]],
    ['a CA of the same name with another key', false, [client], [impostor]],
    ['the intermediate left out', false, [issue(intermediate, { cn: 'x' })], [root]],
    ['an intermediate of another root', false, [issue(intermediate, { cn: 'x' }), intermediate], [other]],
    ['for servers only', false, [issue(root, { cn: 'x', usage: 'server' })], [root]],
    ['for no stated usage', false, [issue(root, { cn: 'x', usage: 'none' })], [root]],
    ['expired', false, [issue(root, { cn: 'x', from: -3, to: -1 })], [root]],
    ['not valid yet', false, [issue(root, { cn: 'x', from: 1 })], [root]],
    ['signed by a leaf', false, [issue(leafAsCa, { cn: 'x' }), leafAsCa], [root]],
    ['signed by a leaf whose key may do anything', false, [issue(looseLeaf, { cn: 'x' }), looseLeaf], [root]],
    ['signed by a leaf that is trusted', false, [issue(leafAsCa, { cn: 'x' })], [leafAsCa]],
    ['signed by itself', false, [issue(undefined, { cn: 'x' })], [root]],
    ['of an expired CA', false, [issue(issue(undefined, { cn: 'old', ca: true, to: -1 }), { cn: 'x' })], [root]],
  ])('%s: %s', (_, expected, presented, roots) => {
    expect(verify(presented, roots)).toBe(expected);
  });

  it('of a root that has expired', () => {
    const old = issue(undefined, { cn: 'old', ca: true, from: -9, to: -1 });
    expect(verify([issue(old, { cn: 'x' })], [old])).toBe(false);
  });

  it.skipIf(!hasOpenssl)('of elliptic keys', () => {
    const { ca, client } = ellipticPair('ec');
    expect(verify([client], [{ cert: ca, key: '' }])).toBe(true);
    expect(verify([client], [root])).toBe(false);
  });
});

describe('createChainVerifier', () => {
  const trusted = parse([root]);

  it('forgets in time that a certificate was good, and at once when trust changes', async () => {
    const clock = new ManualClock(Date.now());
    const chains = createChainVerifier(clock);
    const presented = parse([issue(root, { cn: 'short', to: 30 / 86_400 })]);
    expect(chains.verify(presented, trusted)).toBe(true);
    expect(chains.verify(presented, trusted)).toBe(true);
    expect(chains.verify(presented, parse([other]))).toBe(false);
    await clock.pass(31_000);
    expect(chains.verify(presented, trusted)).toBe(false);
  });

  it('does not take one chain for another that begins alike', () => {
    const chains = createChainVerifier(new ManualClock(Date.now()));
    const leaf = issue(intermediate, { cn: 'x' });
    expect(chains.verify(parse([leaf]), trusted)).toBe(false);
    expect(chains.verify(parse([leaf, intermediate]), trusted)).toBe(true);
    expect(chains.verify([], trusted)).toBe(false);
  });
});
