/** Catalogs on any store, each with an index folder of its own, all taken down together. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../../src/base/clock.ts';
import { randomIds } from '../../src/base/ids.ts';
import { createLog } from '../../src/base/log.ts';
import type { Catalog, CatalogOptions } from '../../src/catalog/catalog.ts';
import { openCatalog } from '../../src/catalog/catalog.ts';
import { indexHome } from '../../src/catalog/local-index/index-home.ts';
import type { ObjectStore } from '../../src/objectstore/objectstore.ts';
import { temporaryFolder } from '../objectstore/stores.ts';

export const domain = '7e9f1d0c-0000-4000-8000-000000000001';

export class CatalogFixture {
  readonly #open: Catalog[] = [];
  #folder: Promise<string> | undefined;
  #count = 0;

  /** Opens a catalog, in a new index folder unless one is named. */
  async open(store: ObjectStore, options: Partial<Omit<CatalogOptions, 'index'>> & { readonly index?: string } = {}): Promise<Catalog> {
    const { index: name = `index-${this.#count++}`, ...rest } = options;
    const index = indexHome(await this.path(name));
    const log = createLog('silent');
    const parts = { store, domain, index, clock: systemClock, ids: randomIds, log, replica: 'test', interval: 50 };
    const catalog = await openCatalog({ ...parts, ...rest });
    this.#open.push(catalog);
    return catalog;
  }

  async path(name: string): Promise<string> {
    this.#folder ??= temporaryFolder();
    return join(await this.#folder, name);
  }

  async destroy(): Promise<void> {
    await Promise.all(this.#open.map((catalog) => catalog.close()));
    if (this.#folder !== undefined) await rm(await this.#folder, { recursive: true });
  }
}
