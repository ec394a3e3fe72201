/** Archives on a store that encrypts: the engine does not know of it, and nothing in the store can be read without the keys. */
import { gunzipSync, inflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { randomIds } from '../../src/base/ids.ts';
import { encrypted } from '../../src/objectstore/encryption/encrypted.ts';
import { memoryStore } from '../../src/objectstore/memory.ts';
import { keysOf } from '../objectstore/keyrings.ts';
import { MemoryCluster } from './memory-cluster.ts';
import { createWorkbench, forever, logOf, resultsOf, whileRunning } from './workbench.ts';

const words = ['recognizable-namespace', 'recognizable-name', 'recognizable-label', 'recognizable-value', 'configmaps'];

function sampleCluster(): MemoryCluster {
  const cluster = new MemoryCluster();
  cluster.seed('namespaces', { metadata: { name: 'recognizable-namespace' } });
  const metadata = { name: 'recognizable-name', namespace: 'recognizable-namespace', labels: { team: 'recognizable-label' } };
  cluster.seed('configmaps', { metadata, data: { key: 'recognizable-value' } });
  return cluster;
}

/** Which of the words somebody finds who has the bytes, and knows how Kylon compresses. */
function wordsIn(files: ReadonlyMap<string, Uint8Array>): string[] {
  const readable = [...files].flatMap(([key, bytes]) => [
    Buffer.from(key),
    Buffer.from(bytes),
    expanded(gunzipSync, bytes),
    expanded(inflateRawSync, bytes),
  ]);
  return words.filter((word) => readable.some((text) => text.includes(word)));
}

function expanded(expand: (bytes: Uint8Array) => Buffer, bytes: Uint8Array): Buffer {
  try {
    return expand(bytes);
  } catch {
    return Buffer.alloc(0);
  }
}

/** Backs up, looks at everything, loses it, restores. */
async function tour(cluster: MemoryCluster, { engine, backUp, restore }: ReturnType<typeof createWorkbench>): Promise<void> {
  await whileRunning(engine, async () => {
    const backup = await backUp('recognizable-namespace', 'recognizable-name');
    expect(backup.status).toMatchObject({ phase: 'Completed', items: 2, errors: 0 });
    expect(await logOf(engine, backup)).toContain('configmaps of recognizable-namespace: 1');
    const { items } = await engine.services.items(backup, { limit: 1, continue: '', labelSelector: 'team=recognizable-label' }, forever);
    expect(items.map(({ name }) => name)).toEqual(['recognizable-name']);
    cluster.dropNamespace('recognizable-namespace');
    const restored = await restore('recognizable-namespace', 'back', { backupName: 'recognizable-name' });
    expect(await resultsOf(engine, restored)).toContain('configmaps recognizable-namespace/recognizable-name created');
    expect(cluster.read('configmaps', 'recognizable-namespace', 'recognizable-name')).toMatchObject({
      data: { key: 'recognizable-value' },
    });
  });
}

describe('engine on an encrypted store', () => {
  it('backs up, shows and restores, and leaves nothing to read', async () => {
    const cluster = sampleCluster();
    const files = new Map<string, Uint8Array>();
    const store = encrypted(memoryStore(files), keysOf('a'), randomIds);
    await tour(cluster, createWorkbench({ cluster, files, store }));
    expect(wordsIn(files)).toEqual([]);
    expect(files.size).toBeGreaterThan(5);
    for (const [key, bytes] of files) expect(Buffer.from(bytes).toString('latin1', 0, 4), key).toBe('KYE1');
  });

  it.each(['items', 'archive.tar.gz'])('says that %s is damaged when somebody changed it', async (file) => {
    const files = new Map<string, Uint8Array>();
    const { engine, backUp } = createWorkbench({ cluster: sampleCluster(), store: encrypted(memoryStore(files), keysOf('a'), randomIds) });
    await whileRunning(engine, async () => {
      const backup = await backUp('recognizable-namespace', 'recognizable-name');
      const [key, bytes] = [...files].find(([name]) => name.endsWith(`/${file}`)) ?? expect.fail();
      bytes.set([(bytes[100] ?? 0) ^ 1], 100);
      const name = { group: '', resource: 'configmaps', namespace: 'recognizable-namespace', name: 'recognizable-name' };
      const reading = engine.services.item(backup, name, forever);
      await expect(reading).rejects.toThrow(`${key} is damaged: its chunk 0 is not what was written there`);
      await expect(reading).rejects.toMatchObject({ code: 500 });
    });
  });

  it('would find it in a plain one', async () => {
    const cluster = sampleCluster();
    const bench = createWorkbench({ cluster });
    await tour(cluster, bench);
    expect(wordsIn(bench.files)).toEqual(words);
  });
});
