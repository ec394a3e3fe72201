import { describe, expect, it } from 'vitest';
import { randomIds } from '../../src/base/ids.ts';
import { encrypted } from '../../src/objectstore/encryption/encrypted.ts';
import { memoryStore } from '../../src/objectstore/memory.ts';
import { StoreDenied, StoreUnavailable } from '../../src/objectstore/objectstore.ts';
import { collect } from '../conformance/objectstore/subject.ts';
import { keysOf as keyringOf } from '../objectstore/keyrings.ts';
import { changed } from '../objectstore/changed.ts';
import { createWorkbench, folder, hour, idOf, shop, signal, to } from './workbench.ts';

const keysOf = async (objects: Map<string, Uint8Array>) =>
  (await collect(memoryStore(objects).list(folder, signal))).map(({ key }) => key.replace(/[0-9a-f]{64}$/, 'ID'));

describe('the secrets of a repository', () => {
  it('are made with the first call, with the files that restic begins with', async () => {
    const objects = new Map<string, Uint8Array>();
    const { repositories } = createWorkbench({ store: memoryStore(objects) });
    const access = await repositories.access(shop, to('append'), hour, signal);
    expect(access).toMatchObject({ path: 'repositories/default/shop/', repositoryPassword: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(await keysOf(objects)).toEqual([`${folder}/restic/config`, `${folder}/restic/keys/ID`, `${folder}/secrets.json`]);
    const [name = '', key = Buffer.of()] = [...objects].find(([name]) => name.includes('/keys/')) ?? [];
    expect(name.endsWith(idOf(key))).toBe(true);
  });

  it('are the same for all replicas, whoever is first, and after a restart', async () => {
    const objects = new Map<string, Uint8Array>();
    const access = () => createWorkbench({ store: memoryStore(objects) }).repositories.access(shop, to('append'), hour, signal);
    const all = await Promise.all(Array.from({ length: 5 }, access));
    expect(new Set([...all, await access()].map(({ repositoryPassword }) => repositoryPassword)).size).toBe(1);
    expect(await keysOf(objects)).toEqual([`${folder}/restic/config`, `${folder}/restic/keys/ID`, `${folder}/secrets.json`]);
  });

  it('cannot be read in a store that is encrypted', async () => {
    const objects = new Map<string, Uint8Array>();
    const store = encrypted(memoryStore(objects), keyringOf('a'), randomIds);
    const { repositoryPassword } = await createWorkbench({ store }).repositories.access(shop, to('append'), hour, signal);
    const content = Buffer.from(await store.read(`${folder}/secrets.json`, signal)).toString();
    const { version: _, ...secrets } = JSON.parse(content) as Record<string, string>;
    expect(secrets).toMatchObject({ repositoryPassword });
    const stored = Buffer.from(objects.get(`${folder}/secrets.json`) ?? expect.fail('it is not there')).toString('latin1');
    expect(stored).toMatch(/^KYE1/);
    for (const [name, secret] of Object.entries(secrets)) for (const text of [`"${name}"`, secret]) expect(stored).not.toContain(text);
  });

  it('are others in each namespace', async () => {
    const { repositories } = createWorkbench();
    const [shop, other] = await Promise.all(
      ['shop', 'other'].map((one) => repositories.access({ storeName: 'default', namespace: one }, to('append'), hour, signal)),
    );
    expect(shop?.repositoryPassword).not.toBe(other?.repositoryPassword);
  });

  it('are those in the store where a put was done, but its answer was lost', async () => {
    const store = memoryStore();
    let lost = 0;
    const losing = changed(store, {
      putIfAbsent: async (key, body) => {
        await store.putIfAbsent(key, body, signal);
        lost += 1;
        throw new StoreUnavailable(`${key}: no answer`);
      },
    });
    await expect(createWorkbench({ store: losing }).repositories.access(shop, to('append'), hour, signal)).rejects.toThrow('no answer');
    const found = await createWorkbench({ store }).repositories.access(shop, to('append'), hour, signal);
    expect(lost).toBe(1);
    expect(JSON.parse(Buffer.from(await store.read(`${folder}/secrets.json`, signal)).toString())).toMatchObject({
      repositoryPassword: found.repositoryPassword,
    });
  });

  it.each([
    ['{"version":1,"repositoryPassword":"0123', 'cut'],
    ['null', 'no object'],
    ['{"version":2}', 'of another version'],
    [JSON.stringify({ version: 1, repositoryPassword: 'geheim', ticketKey: 'geheim', key: 'geheim', config: 'geheim' }), 'no secrets'],
  ])('are an error where they are damaged: %s', async (content) => {
    const store = memoryStore();
    await store.putIfAbsent(`${folder}/secrets.json`, Buffer.from(content), signal);
    const error = await createWorkbench({ store })
      .repositories.access(shop, to('append'), hour, signal)
      .catch((error: unknown) => error as Error);
    expect(error).toMatchObject({
      name: 'StoreDamaged',
      message: expect.stringContaining(`${folder}/secrets.json is damaged: it holds the password of all that was moved there`),
    });
    expect((error as Error).message).not.toMatch(/geheim|0123/);
    expect(await store.size(`${folder}/restic/config`, signal)).toBeUndefined();
  });

  it('are never made anew beside an old repository', async () => {
    const objects = new Map<string, Uint8Array>();
    await createWorkbench({ store: memoryStore(objects) }).repositories.access(shop, to('append'), hour, signal);
    objects.delete(`${folder}/secrets.json`);
    await expect(
      createWorkbench({ store: memoryStore(objects) }).repositories.access(shop, to('append'), hour, signal),
    ).rejects.toMatchObject({
      reason: 'RepositoryKeyLost',
      message: expect.stringContaining(`${folder}/secrets.json is missing, though the repository is there`),
    });
    expect(objects.has(`${folder}/secrets.json`)).toBe(false);
  });

  it('of another repository are refused, add no key to this one, and are not remembered', async () => {
    const secretsKey = `${folder}/secrets.json`;
    const [objects, others] = [new Map<string, Uint8Array>(), new Map<string, Uint8Array>()];
    for (const all of [objects, others])
      await createWorkbench({ store: memoryStore(all) }).repositories.access(shop, to('append'), hour, signal);
    const whole = new Map(objects);
    objects.set(secretsKey, others.get(secretsKey)!);
    const { repositories } = createWorkbench({ store: memoryStore(objects) });
    await expect(repositories.access(shop, to('append'), hour, signal)).rejects.toMatchObject({
      reason: 'RepositoryKeyWrong',
      message: `${folder}/restic/config is not the one that ${secretsKey} holds a copy of: one of the two is damaged, or of another repository`,
    });
    objects.set(secretsKey, whole.get(secretsKey)!);
    expect(objects).toEqual(whole);
    const again = await repositories.access(shop, to('append'), hour, signal);
    expect(Buffer.from(whole.get(secretsKey)!).toString()).toContain(again.repositoryPassword);
  });

  it('are found in a store that may only be read', async () => {
    const store = memoryStore();
    const made = await createWorkbench({ store }).repositories.access(shop, to('read'), hour, signal);
    const denied = async () => {
      throw new StoreDenied('the store may only be read');
    };
    const { repositories } = createWorkbench({ store: changed(store, { putIfAbsent: denied }) });
    expect(await repositories.access(shop, to('read'), hour, signal)).toEqual(made);
    await expect(repositories.access({ storeName: 'default', namespace: 'other' }, to('read'), hour, signal)).rejects.toThrow(
      'may only be read',
    );
  });

  it('bring back the files that restic begins with', async () => {
    const objects = new Map<string, Uint8Array>();
    const { repositories } = createWorkbench({ store: memoryStore(objects) });
    await repositories.access(shop, to('append'), hour, signal);
    const before = new Map(objects);
    for (const key of objects.keys()) if (key.includes('/restic/')) objects.delete(key);
    await repositories.access(shop, to('append'), hour, signal);
    expect(objects).toEqual(before);
  });
});

describe('forget', () => {
  it('deletes the snapshot and nothing else, and does not mind that it is gone', async () => {
    const { repositories, store } = createWorkbench();
    const [id, other] = [idOf('one'), idOf('other')];
    for (const name of [id, other]) await store.putIfAbsent(`${folder}/restic/snapshots/${name}`, Buffer.from('x'), signal);
    for (const _ of [1, 2]) await repositories.forget(shop, id, signal);
    expect((await collect(store.list(folder, signal))).map(({ key }) => key)).toEqual([`${folder}/restic/snapshots/${other}`]);
  });

  it.each(['latest', '../../config', '', idOf('x').slice(0, 8)])('takes no other name: %s', async (name) => {
    await expect(createWorkbench().repositories.forget(shop, name, signal)).rejects.toThrow('is no id of a snapshot');
  });
});
