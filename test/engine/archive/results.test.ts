import { describe, expect, it } from 'vitest';
import { openResults } from '../../../src/engine/archive/results-reader.ts';
import { createResultsWriter } from '../../../src/engine/archive/results.ts';
import type { ItemResult } from '../../../src/resources/services.ts';
import { folder, never, openMemory } from './archives.ts';

const results: ItemResult[] = Array.from({ length: 3000 }, (_, index) => ({
  group: 'apps',
  resource: 'deployments',
  namespace: 'x',
  name: `d-${index}`,
  outcome: index % 10 ? 'created' : 'failed',
  message: index % 10 ? '' : `no: ${'ü'.repeat(index % 100)}\n`,
}));

async function write(given: readonly ItemResult[]) {
  const memory = openMemory();
  const writer = await createResultsWriter(memory.store, folder, never);
  for (const result of given) await writer.add(result);
  await writer.finish('all done');
  return memory;
}

async function readAll(given: readonly ItemResult[], limit: number, outcome?: string): Promise<ItemResult[]> {
  const reader = await openResults((await write(given)).store, folder, never);
  const found: ItemResult[] = [];
  let token = '';
  do {
    const page = await reader.page({ limit, continue: token, ...(outcome && { outcome }) }, never);
    expect(page.items.length).toBeLessThanOrEqual(limit);
    found.push(...page.items);
    token = page.continue;
  } while (token);
  return found;
}

describe('results', () => {
  it.each([1, 999, 3000, 10_000])('come back in their order, %i a page', async (limit) => {
    const given = limit === 1 ? results.slice(0, 50) : results;
    expect(await readAll(given, limit)).toEqual(given);
  });

  it('are chosen by outcome', async () => {
    const failed = results.filter(({ outcome }) => outcome === 'failed');
    expect(await readAll(results, 7, 'failed')).toEqual(failed);
    expect(await readAll(results, 300, 'failed')).toEqual(failed);
    expect(await readAll(results, 7, 'skipped')).toEqual([]);
  });

  it('may be none, and have a log', async () => {
    const reader = await openResults((await write([])).store, folder, never);
    expect(await reader.page({ limit: 10, continue: '' }, never)).toEqual({ items: [], continue: '' });
    expect(await reader.log(never)).toBe('all done');
  });

  it('that are longer than what is read at once are read all the same', async () => {
    const long = { ...results[0]!, message: 'x'.repeat(700_000) };
    expect(await readAll([long, results[1]!], 1)).toEqual([long, results[1]]);
  });

  it.each(['x', '-1', '1.5', '99999999'])('refuse the token %s', async (token) => {
    const reader = await openResults((await write(results.slice(0, 5))).store, folder, never);
    await expect(reader.page({ limit: 1, continue: token }, never)).rejects.toMatchObject({ name: 'ApiError' });
  });

  it('that were damaged are refused', async () => {
    const memory = await write(results.slice(0, 5));
    memory.change('results', (bytes) => bytes.subarray(0, bytes.length - 3));
    const reader = await openResults(memory.store, folder, never);
    await expect(reader.page({ limit: 10, continue: '' }, never)).rejects.toMatchObject({ name: 'ArchiveDamaged' });
    memory.change('results', (bytes) => Buffer.concat([Buffer.from('?\n'), bytes]));
    const second = await openResults(memory.store, folder, never);
    await expect(second.page({ limit: 1, continue: '' }, never)).rejects.toMatchObject({ name: 'ArchiveDamaged' });
  });

  it('that do not exist are not found', async () => {
    await expect(openResults(openMemory().store, folder, never)).rejects.toMatchObject({ name: 'StoreNotFound' });
  });
});
