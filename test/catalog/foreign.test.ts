/** A place that is not Kylon's is not touched. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { memoryStore } from '../../src/objectstore/memory.ts';
import { CatalogFixture } from './fixture.ts';

let fixture: CatalogFixture;
beforeEach(() => {
  fixture = new CatalogFixture();
});
afterEach(() => fixture.destroy());

const holding = (...keys: readonly string[]) => new Map(keys.map((key) => [key, new Uint8Array([1])]));

describe('a store that nobody has marked', () => {
  it.each(['a.txt', 'probes/x', 'zz', 'kylon.json.bak'])('is refused when it holds %s, and left as it is', async (key) => {
    const objects = holding('probe/1/a', key);
    await expect(fixture.open(memoryStore(objects))).rejects.toThrow(
      `kylon.json: is missing, and memory: holds "${key}", which Kylon has not made: give Kylon an empty place`,
    );
    expect([...objects.keys()]).toEqual(['probe/1/a', key]);
  });

  it('is taken when it holds nothing but what probes left', async () => {
    const objects = holding('probe/1/a', 'probe/2/b');
    await fixture.open(memoryStore(objects));
    expect([...objects.keys()]).toContain('kylon.json');
  });

  it('may hold other things once it is marked', async () => {
    const objects = new Map<string, Uint8Array>();
    await (await fixture.open(memoryStore(objects))).close();
    objects.set('a.txt', new Uint8Array());
    await fixture.open(memoryStore(objects));
  });

  it('is another case when it holds data of Kylon: its marker is lost', async () => {
    const objects = holding('d/x/log/00000000000000000001.seg');
    await expect(fixture.open(memoryStore(objects))).rejects.toThrow(/kylon.json: is missing, but d\/x\/log.* is there/);
  });
});
