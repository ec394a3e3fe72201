/** Stores that go back: what was in them is taken away, put back, and accepted. */
import { systemClock } from '../../src/base/clock.ts';
import { randomIds } from '../../src/base/ids.ts';
import { createLog } from '../../src/base/log.ts';
import type { AcceptanceParts, Survey } from '../../src/catalog/rollback/acceptance.ts';
import { acceptRollback, surveyRollback } from '../../src/catalog/rollback/acceptance.ts';
import type { Anchor, AnchorPoint } from '../../src/catalog/rollback/anchor.ts';
import type { Catalog } from '../../src/catalog/catalog.ts';
import { indexHome } from '../../src/catalog/local-index/index-home.ts';
import { segmentKey } from '../../src/catalog/paths.ts';
import type { ObjectStore } from '../../src/objectstore/objectstore.ts';
import type { CatalogFixture } from './fixture.ts';
import { domain } from './fixture.ts';

export const signal = AbortSignal.any([]);
export const resource = 'widgets.example.com';
export const segment = (n: number) => segmentKey(domain, n);
export const add = (catalog: Catalog, name: string) =>
  catalog.write({ op: 'create', key: { resource, namespace: 'ns', name }, json: `{"name":"${name}"}` }, signal);

/** An anchor in memory. */
export class MemoryAnchor implements Anchor {
  point: AnchorPoint | undefined;
  async read() {
    return this.point;
  }
  async write(point: AnchorPoint) {
    this.point = point;
  }
}

export async function contentOf(store: ObjectStore): Promise<Map<string, Uint8Array>> {
  const content = new Map<string, Uint8Array>();
  for await (const { key } of store.list('', signal)) content.set(key, await store.read(key, signal));
  return content;
}

/** Makes the store hold `content` and nothing else, as a restored copy does. */
export async function restore(store: ObjectStore, content: ReadonlyMap<string, Uint8Array>): Promise<void> {
  for (const key of (await contentOf(store)).keys()) await store.delete(key, signal);
  for (const [key, bytes] of content) await store.putIfAbsent(key, bytes, signal);
}

let scratches = 0;

export async function partsOf(fixture: CatalogFixture, store: ObjectStore, seen?: AnchorPoint): Promise<AcceptanceParts> {
  const scratch = indexHome(await fixture.path(`scratch-${scratches++}`));
  return { store, encrypted: false, domain, seen, scratch, clock: systemClock, ids: randomIds, log: createLog('silent') };
}

/** Accepts the roll-back, as the command does. */
export async function accept(fixture: CatalogFixture, store: ObjectStore, seen?: AnchorPoint): Promise<Survey> {
  const parts = await partsOf(fixture, store, seen);
  const survey = await surveyRollback(parts, signal);
  await acceptRollback(parts, survey, signal);
  return survey;
}
