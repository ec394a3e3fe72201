/**
 * The objects as they are, in memory, of the resources that are listed: reading them from LevelDB costs more than all else that a list
 * does. Of a resource that does not fit it is the first ones, which are also the first page; the rest is read from the index as ever.
 */
import type { ObjectKey, Stored } from '../../machinery/storage.ts';
import { boundsOf, objectKeyOf } from './index-keys.ts';
import { storedOf, versionOf } from './index-values.ts';
import type { Kv, KvOp } from './kv.ts';
import type { WarmChange } from './warm-resource.ts';
import { WarmResource } from './warm-resource.ts';

/** Characters of all texts that are kept; most of them take a byte. */
const mostCharacters = 64 * 1024 * 1024;

export type Warm = ReadonlyMap<string, WarmResource>;

export class WarmObjects {
  readonly #kv: Kv;
  readonly #most: number;
  /** At which all that is kept is true. */
  #rv: number;
  /** By resource. */
  #kept: Warm = new Map();
  /** What has changed since the reading of a resource began. */
  readonly #loading = new Map<string, WarmChange[]>();

  constructor(kv: Kv, rv: number, most = mostCharacters) {
    this.#kv = kv;
    this.#rv = rv;
    this.#most = most;
  }

  /** What is kept, if it is true at number `rv`. It does not change any more. */
  at(rv: number): Warm | undefined {
    return rv === this.#rv ? this.#kept : undefined;
  }

  /** Somebody lists the resource: from now on, or soon, it is kept, as far as it fits. */
  want(resource: string): void {
    if (this.#kept.has(resource) || this.#loading.has(resource)) return;
    // Whoever reads an index that cannot be read is told; here it is no more than a list that is not faster.
    void this.#load(resource).catch(() => this.#loading.delete(resource));
  }

  /** The index has just changed by `ops`, and is true at `rv`. */
  apply(ops: readonly KvOp[], rv: number): void {
    this.#rv = rv;
    const changes = this.#changesOf(ops);
    if (changes.size === 0) return;
    const kept = new Map(this.#kept);
    for (const [resource, some] of changes) {
      this.#loading.get(resource)?.push(...some);
      const before = kept.get(resource);
      if (before) kept.set(resource, before.with(some));
    }
    this.#keep(kept, changes.keys());
  }

  #changesOf(ops: readonly KvOp[]): Map<string, WarmChange[]> {
    const changes = new Map<string, WarmChange[]>();
    for (const op of ops) {
      const key = objectKeyOf(op.key);
      if (key === undefined || !(this.#kept.has(key.resource) || this.#loading.has(key.resource))) continue;
      const some = changes.get(key.resource) ?? [];
      some.push({ key, stored: op.type === 'put' ? storedOf(key, op.value) : undefined });
      changes.set(key.resource, some);
    }
    return changes;
  }

  /** Lets go of the end of what has grown too large. */
  #keep(kept: Map<string, WarmResource>, changed: Iterable<string>): void {
    for (const resource of changed) {
      const found = kept.get(resource);
      if (found) kept.set(resource, found.within(this.#most - charactersOf(kept) + found.characters));
    }
    this.#kept = kept;
  }

  async #load(resource: string): Promise<void> {
    const changes: WarmChange[] = [];
    this.#loading.set(resource, changes);
    const found = await this.#read(resource);
    this.#loading.delete(resource);
    this.#keep(new Map([...this.#kept, [resource, found.with(changes)]]), [resource]);
  }

  /** As far as there is room. What is written meanwhile may be in it or not. */
  async #read(resource: string): Promise<WarmResource> {
    const room = this.#most - charactersOf(this.#kept);
    const pages: (readonly Stored[])[] = [];
    const snapshot = this.#kv.snapshot();
    try {
      let characters = 0;
      for await (const page of snapshot.entries(boundsOf('c', { resource }))) {
        const objects = page.map(keptOf);
        pages.push(objects);
        characters += page.reduce((sum, [, value]) => sum + value.length, 0);
        if (characters > room) return WarmResource.of(pages, objects.at(-1)?.key);
      }
      return WarmResource.of(pages);
    } finally {
      await snapshot.close();
    }
  }
}

/**
 * As storedOf, but not by it: V8 sees that what is made here stays, and puts all that is made at the same place of the program among
 * what is old at once, where whoever only reads leaves megabytes behind.
 */
function keptOf([key, value]: readonly [string, string]): Stored {
  const { rv, json } = versionOf(value);
  return { key: objectKeyOf(key) as ObjectKey, rv, json };
}

function charactersOf(kept: Warm): number {
  let characters = 0;
  for (const resource of kept.values()) characters += resource.characters;
  return characters;
}
