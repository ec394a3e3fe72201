import { describe, expect, it } from 'vitest';
import type { Page } from '../../src/cluster/cluster.ts';
import type { Received, Scripted } from './api-server.ts';
import { never, scriptedCluster, status } from './api-server.ts';

const maps = {
  group: '',
  version: 'v1',
  resource: 'configmaps',
  kind: 'ConfigMap',
  singular: '',
  shortNames: [],
  namespaced: true,
  verbs: [],
};

/** Pages of a list of `total` numbers; a continue token is `RV:START`. */
function servePages(total: number) {
  return ({ query }: Received): Scripted => {
    const [rv = '', from = '0'] = (query.get('continue') ?? '5:0').split(':');
    const start = Number(from);
    const end = Math.min(total, start + Number(query.get('limit')));
    const items = Array.from({ length: end - start }, (_, index) => ({ n: start + index }));
    return { body: { metadata: { resourceVersion: rv, ...(end < total && { continue: `${rv}:${end}` }) }, items } };
  };
}

/** A page is good only until the next one is asked for. */
async function collect(pages: AsyncIterable<Page>): Promise<Page[]> {
  const all: Page[] = [];
  for await (const page of pages) all.push({ ...page, items: page.items.map((item) => Uint8Array.from(item)) });
  return all;
}
const textsOf = (pages: readonly Page[]) => pages.flatMap(({ items }) => items.map((item) => Buffer.from(item).toString()));
const numbered = (count: number) => Array.from({ length: count }, (_, n) => `{"n":${n}}`);

describe('list', () => {
  it('gives every item of every page, as the bytes that were sent', async () => {
    await using server = await scriptedCluster(servePages(25));
    const pages = await collect(server.cluster.list(maps, { namespace: 'x', labelSelector: 'a=b', limit: 10 }, never));
    expect(textsOf(pages)).toEqual(numbered(25));
    expect(pages.map(({ resourceVersion }) => resourceVersion)).toEqual(['5', '5', '5']);
    expect(server.received.map(({ path, query }) => `${path}?${query.toString()}`)).toEqual([
      '/api/v1/namespaces/x/configmaps?limit=10&labelSelector=a%3Db',
      '/api/v1/namespaces/x/configmaps?limit=10&continue=5%3A10&labelSelector=a%3Db',
      '/api/v1/namespaces/x/configmaps?limit=10&continue=5%3A20&labelSelector=a%3Db',
    ]);
  });

  it('passes on how many objects are behind a page, where the server says it', async () => {
    await using server = await scriptedCluster((request) => {
      const { body } = servePages(3)(request) as { body: { metadata: object; items: unknown[] } };
      const counted = request.query.has('labelSelector') ? {} : { remainingItemCount: 2 };
      return { body: { ...body, metadata: { ...body.metadata, ...counted } } };
    });
    const remaining = async (labelSelector?: string) => {
      for await (const page of server.cluster.list(maps, { limit: 1, ...(labelSelector && { labelSelector }) }, never))
        return page.remaining;
      return undefined;
    };
    expect([await remaining(), await remaining('a=b')]).toEqual([2, undefined]);
  });

  it('reads pages into memory that earlier ones had, never two at once into the same', async () => {
    await using server = await scriptedCluster(servePages(80));
    const used: ArrayBufferLike[] = [];
    for await (const { items } of server.cluster.list(maps, { limit: 10 }, never)) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      used.push(items[0]?.buffer as ArrayBufferLike);
      const first = 10 * (used.length - 1);
      expect(items.map((item) => Buffer.from(item).toString())).toEqual(numbered(80).slice(first, first + 10));
    }
    expect(used.length).toBe(8);
    expect(new Set(used).size).toBeLessThanOrEqual(3);
  });

  it('fetches one page ahead, not more', async () => {
    await using server = await scriptedCluster(servePages(50));
    for await (const page of server.cluster.list(maps, { limit: 10 }, never)) {
      expect(page.items).toHaveLength(10);
      await new Promise((resolve) => setTimeout(resolve, 50));
      break;
    }
    expect(server.received).toHaveLength(2);
  });

  it('goes on with the rest as it is now when the server forgot the beginning, and says so', async () => {
    const serve = servePages(25);
    await using server = await scriptedCluster((request) =>
      request.query.get('continue') === '5:10' ? status(410, 'Expired', 'too old', { metadata: { continue: '9:10' } }) : serve(request),
    );
    const pages = await collect(server.cluster.list(maps, { limit: 10 }, never));
    expect(textsOf(pages)).toEqual(numbered(25));
    expect(pages.map(({ resourceVersion, inconsistent }) => [resourceVersion, inconsistent])).toEqual([
      ['5', undefined],
      ['9', true],
      ['9', true],
    ]);
  });

  it('goes on as often as the server forgets, but not where it refuses what it gave just now', async () => {
    const forgetting = (...tokens: string[]) =>
      scriptedCluster((request) => {
        const [rv, start] = (request.query.get('continue') ?? '5:0').split(':');
        const fresh = { metadata: { continue: `${Number(rv) + 1}:${start}` } };
        return tokens.includes(`${rv}:${start}`) ? status(410, 'Expired', 'too old', fresh) : servePages(25)(request);
      });
    await using server = await forgetting('5:10', '6:20');
    const pages = await collect(server.cluster.list(maps, { limit: 10 }, never));
    expect(textsOf(pages)).toEqual(numbered(25));
    expect(pages.map(({ resourceVersion }) => resourceVersion)).toEqual(['5', '6', '7']);
    await using stubborn = await forgetting('5:10', '6:10');
    await expect(collect(stubborn.cluster.list(maps, { limit: 10 }, never))).rejects.toMatchObject({ code: 410 });
  });

  it('rejects with a 410 that offers nothing, after the pages before it', async () => {
    const serve = servePages(25);
    await using server = await scriptedCluster((request) =>
      request.query.has('continue') ? status(410, 'Expired', 'too old') : serve(request),
    );
    const seen: string[] = [];
    const reading = (async () => {
      for await (const page of server.cluster.list(maps, { limit: 10 }, never)) seen.push(...textsOf([page]));
    })();
    await expect(reading).rejects.toMatchObject({ code: 410, reason: 'Expired' });
    expect(seen).toEqual(numbered(10));
  });

  it('asks for less at a time when a page does not fit into memory', async () => {
    const serve = servePages(40);
    const padding = 'x'.repeat(9 << 20);
    await using server = await scriptedCluster((request) => (Number(request.query.get('limit')) > 20 ? { body: padding } : serve(request)));
    expect(textsOf(await collect(server.cluster.list(maps, { limit: 40 }, never)))).toEqual(numbered(40));
    expect(server.received.map(({ query }) => query.get('limit'))).toEqual(['40', ...Array.from({ length: 8 }, () => '5')]);
  });

  it('takes one object at a time where each is larger than a page should be', async () => {
    const padding = 'x'.repeat(9 << 20);
    await using server = await scriptedCluster(({ query }) => {
      const from = Number(query.get('continue') ?? 0);
      return { body: { metadata: { ...(from < 2 && { continue: String(from + 1) }) }, items: [{ n: from, padding }] } };
    });
    const pages = await collect(server.cluster.list(maps, { limit: 8 }, never));
    expect(pages.map(({ items }) => items[0]?.length)).toEqual([0, 1, 2].map((n) => JSON.stringify({ n, padding }).length));
    expect(server.received.map(({ query }) => query.get('limit'))).toEqual(['8', '1', '1', '1']);
  });

  it('rejects what is not a list', async () => {
    await using server = await scriptedCluster(() => ({ body: '<html>' }));
    await expect(collect(server.cluster.list(maps, {}, never))).rejects.toMatchObject({ name: 'ClusterError', code: 0 });
  });
});
