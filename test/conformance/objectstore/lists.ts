/** Lists: their order, their pages, and where they begin. */
import { expect, it } from 'vitest';
import { bytes, collect, forEach, patience, signal } from './subject.ts';
import type { Subject } from './subject.ts';

export function describeLists(subject: Subject): void {
  const keysOf = async (prefix: string, after?: string) => (await collect(subject.other.list(prefix, signal, after))).map(({ key }) => key);

  it('lists by whole keys in the order of their bytes', async () => {
    const { store } = subject;
    const keys = ['B', 'a', 'a-b/x', 'a.b', 'ab/c/d', 'ab/c.d', 'ab/c0', 'ab0', 'b/a', 'b/Z', '_', '0/1'];
    await forEach(keys.length, (i) => store.putIfAbsent(keys[i] ?? '', bytes(keys[i] ?? ''), signal));
    const sorted = [...keys].sort((a, b) => Buffer.compare(bytes(a), bytes(b)));
    expect(await keysOf('')).toEqual(sorted);
    for (const prefix of ['a', 'ab', 'ab/', 'ab/c', 'b/', 'none/', 'none/x'])
      expect(await keysOf(prefix), `below ${prefix}`).toEqual(sorted.filter((key) => key.startsWith(prefix)));
    for (const after of [...sorted, 'ab', 'ab/c/', 'ab/c/z', 'zz'])
      expect(await keysOf('', after), `after ${after}`).toEqual(sorted.filter((key) => key > after));
    const [listed, ...more] = await collect(store.list('ab/c/', signal));
    expect([listed, more]).toEqual([
      { key: 'ab/c/d', size: 6, ...(listed?.modified !== undefined && { modified: expect.any(Number) }) },
      [],
    ]);
    // A store that tells when an object was stored tells it right; a clock may be a little off.
    if (listed?.modified !== undefined) expect(Math.abs(Date.now() - listed.modified)).toBeLessThan(600_000);
  });

  // More than two pages of a thousand keys, which is what every service gives at once.
  it('lists 2001 keys in pages, in order, from wherever it is asked', { timeout: patience }, async () => {
    const { store } = subject;
    const keys = Array.from({ length: 2001 }, (_, i) => `p/${i % 7}/${String(i).padStart(4, '0')}`).sort();
    await forEach(keys.length, (i) => store.putIfAbsent(keys[i] ?? '', bytes('x'.repeat(i % 5)), signal));
    const listed = await collect(store.list('', signal));
    expect(listed.map(({ key }) => key)).toEqual(keys);
    expect(listed.map(({ size }) => size)).toEqual(keys.map((_, i) => i % 5));
    const following = async (at: number, after = keys[at]) =>
      expect(await keysOf('p/', after), `after ${after}`).toEqual(keys.slice(at + 1));
    await Promise.all([following(500), following(999), following(1000), following(1999), following(2000)]);
    await following(1499, `${keys[1499]}-`);
    for (const prefix of ['p/3/', 'p/6/1'])
      expect(await keysOf(prefix, 'p/3/1500')).toEqual(keys.filter((key) => key.startsWith(prefix) && key > 'p/3/1500'));
  });

  it('can be left in the middle, and gone on with by startAfter', async () => {
    const { store } = subject;
    const keys = Array.from({ length: 200 }, (_, i) => `p/${i % 7}/${String(i).padStart(4, '0')}`).sort();
    await forEach(keys.length, (i) => store.putIfAbsent(keys[i] ?? '', bytes(''), signal));
    const seen: string[] = [];
    for (let after: string | undefined; ; after = seen.at(-1)) {
      const page: string[] = [];
      for await (const { key } of store.list('p/', signal, after)) if (page.push(key) === 64) break;
      if (page.length === 0) break;
      seen.push(...page);
    }
    expect(seen).toEqual(keys);
  });

  it('lists nothing where there is nothing', async () => {
    expect(await keysOf('')).toEqual([]);
    expect(await keysOf('none/')).toEqual([]);
    expect(await keysOf('', 'zz')).toEqual([]);
  });

  it('goes on with a list while keys of it are deleted', async () => {
    const { store, other } = subject;
    const keys = Array.from({ length: 50 }, (_, i) => `gone/${String(i).padStart(2, '0')}`);
    await forEach(keys.length, (i) => store.putIfAbsent(keys[i] ?? '', bytes(''), signal));
    const seen: string[] = [];
    for await (const { key } of store.list('gone/', signal)) {
      seen.push(key);
      await other.delete(key, signal);
    }
    expect(seen).toEqual(keys);
    expect(await keysOf('')).toEqual([]);
  });
}
