import { describe, expect, it, vi } from 'vitest';
import { createLog } from '../../../src/base/log.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { randomIds } from '../../../src/base/ids.ts';
import { runNamespaceController } from '../../../src/engine/upkeep/namespaces.ts';
import { createObjects } from '../../../src/machinery/in-process.ts';
import { kylonUser } from '../../../src/machinery/user.ts';
import type { ResourceDefinition } from '../../../src/machinery/resource.ts';
import { coreKinds } from '../../../src/resources/core.ts';
import { MemoryStorage } from '../../machinery/memory-storage.ts';
import { forever } from '../workbench.ts';

const kindOf = (name: string) => coreKinds.find(({ kind }) => kind === name)!;
const [things, namespaces] = [kindOf('ConfigMap'), kindOf('Namespace')];
const keepsakes: ResourceDefinition = {
  ...things,
  plural: 'keepsakes',
  kind: 'Keepsake',
  rules: { outlivesNamespace: ({ metadata }) => metadata.name !== 'fleeting' },
};
const planets: ResourceDefinition = { ...things, plural: 'planets', kind: 'Planet', namespaced: false };

function createPlayground() {
  const definitions = [things, keepsakes, planets, namespaces];
  const objects = createObjects({
    definitions,
    storage: new MemoryStorage(),
    clock: systemClock,
    ids: randomIds,
    authorizer: { authorize: () => Promise.resolve({ allowed: true, reason: '' }) },
    namespaces: { phase: () => Promise.resolve('Active') },
    services: undefined,
  });
  const make = (definition: ResourceDefinition, namespace: string | undefined, name: string, finalizers?: string[]) =>
    objects.create(
      definition,
      {
        apiVersion: definition.group ? `${definition.group}/v1` : 'v1',
        kind: definition.kind,
        metadata: { name, ...(namespace && { namespace }), ...(finalizers && { finalizers }) },
      },
      kylonUser,
      { dryRun: false },
      forever,
    );
  const parts = { objects, namespaces, definitions, clock: systemClock, log: createLog('silent') };
  return { objects, make, parts };
}

describe('runNamespaceController', () => {
  it('empties a namespace that is being deleted, waits for finalizers, and lets it go', async () => {
    const { objects, make, parts } = createPlayground();
    const { metadata } = await make(namespaces, undefined, 'a');
    await make(namespaces, undefined, 'b');
    for (const namespace of ['a', 'b']) {
      await make(things, namespace, 'plain');
      await make(keepsakes, namespace, 'kept');
      await make(keepsakes, namespace, 'fleeting');
    }
    const held = await make(things, 'a', 'held', ['example.io/hold']);
    await make(planets, undefined, 'earth');
    const stop = new AbortController();
    const running = runNamespaceController(parts, stop.signal);
    await objects.delete(namespaces, { namespace: '', name: 'a', uid: metadata.uid ?? '' }, forever);
    const names = async (definition: ResourceDefinition, where: { namespace?: string } = {}) =>
      (await objects.list(definition, where, forever)).map(({ metadata }) => metadata.name);
    await vi.waitFor(async () => expect(await names(things, { namespace: 'a' })).toEqual(['held']));
    expect((await objects.get(namespaces, '', 'a', forever))?.status).toEqual({ phase: 'Terminating' });
    const ref = { namespace: 'a', name: 'held', uid: held.metadata.uid ?? '' };
    await objects.update(things, ref, 'object', (object) => ({ ...object, metadata: { ...object.metadata, finalizers: [] } }), forever);
    await vi.waitFor(async () => expect(await names(namespaces)).toEqual(['b']));
    expect([await names(things), await names(keepsakes), await names(planets)]).toEqual([
      ['plain'],
      ['kept', 'fleeting', 'kept'],
      ['earth'],
    ]);
    stop.abort(new Error('the test is over'));
    await running;
  });
});
