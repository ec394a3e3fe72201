import { describe } from 'vitest';
import { describeStorage } from '../conformance/storage.ts';
import { stores } from '../objectstore/stores.ts';
import { CatalogFixture } from './fixture.ts';

const historyKept = 2000;

describe.each(stores)('the catalog on the object store $name', ({ create }) =>
  describeStorage(async (clock) => {
    const store = await create();
    const fixture = new CatalogFixture();
    const window = { changes: historyKept, milliseconds: 0 };
    const first = await fixture.open(store.clients[0], { clock, window });
    const second = await fixture.open(store.clients[1], { clock, window });
    return {
      processes: [first, second],
      historyKept,
      close: () => first.close(),
      destroy: async () => {
        await fixture.destroy();
        await store.destroy();
      },
    };
  }),
);
