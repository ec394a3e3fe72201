/** Repositories that no restic has written: one snapshot, of trees that a test makes up. The MAC is left out, as nobody computes it. */
import { createCipheriv, hash, scryptSync } from 'node:crypto';
import { memoryStore } from '../../../src/objectstore/memory.ts';
import type { FileTree } from '../../../src/repository/reading/file-tree.ts';
import { KeptIndexes } from '../../../src/repository/reading/kept-indexes.ts';
import { OpenRepositories } from '../../../src/repository/reading/open-repositories.ts';

const never = new AbortController().signal;
const usualKey = Buffer.alloc(32, 7);
const password = 'crafted';

/** Fields of a node as restic names them; `content` is given as the pieces themselves, `nodes` as what lies in a folder. */
export interface Crafted {
  readonly name: unknown;
  readonly type: string;
  readonly pieces?: readonly string[];
  readonly nodes?: readonly Crafted[];
  readonly [field: string]: unknown;
}

export function sealed(content: Uint8Array, by: Uint8Array): Buffer {
  const iv = Buffer.alloc(16, content.length & 0xff);
  return Buffer.concat([iv, createCipheriv('aes-256-ctr', by, iv).update(content), Buffer.alloc(16)]);
}

class Writer {
  readonly #key: Buffer;
  readonly files = new Map<string, Uint8Array>();
  readonly #blobs: { readonly id: string; readonly plain: Buffer }[] = [];

  constructor(key: Buffer) {
    this.#key = key;
  }

  blob(plain: Buffer): string {
    const id = hash('sha256', plain);
    this.#blobs.push({ id, plain });
    return id;
  }

  tree(nodes: readonly Crafted[]): string {
    const written = nodes.map(({ pieces, nodes, ...fields }) => ({
      ...fields,
      ...(pieces && { content: pieces.map((piece) => this.blob(Buffer.from(piece))) }),
      ...(nodes && { subtree: this.tree(nodes) }),
    }));
    return this.blob(Buffer.from(`${JSON.stringify({ nodes: written })}\n`));
  }

  /** One pack of all blobs, an index of it, a key, and the snapshot, whose id it gives. */
  finish(tree: string, more: (plain: Buffer) => object): string {
    const parts = this.#blobs.map(({ plain }) => sealed(plain, this.#key));
    const pack = this.#store(Buffer.concat(parts), (id) => `data/${id.slice(0, 2)}/`);
    let offset = 0;
    const blobs = this.#blobs.map(({ id, plain }, at) => {
      const length = parts[at]?.length ?? 0;
      offset += length;
      return { id, type: 'data', offset: offset - length, length, ...more(plain) };
    });
    this.#store(sealed(Buffer.from(JSON.stringify({ packs: [{ id: pack, blobs }] })), this.#key), () => 'index/');
    this.#store(keyFile(this.#key), () => 'keys/');
    return this.#store(sealed(Buffer.from(JSON.stringify({ tree })), this.#key), () => 'snapshots/');
  }

  #store(bytes: Buffer, folder: (id: string) => string): string {
    const id = hash('sha256', bytes);
    this.files.set(`r/${folder(id)}${id}`, bytes);
    return id;
  }
}

function keyFile(key: Buffer): Buffer {
  const salt = Buffer.alloc(64);
  const cost = { N: 2, r: 1, p: 1 };
  const by = scryptSync(password, salt, 64, cost).subarray(0, 32);
  const data = sealed(Buffer.from(JSON.stringify({ encrypt: key.toString('base64') })), by);
  return Buffer.from(JSON.stringify({ kdf: 'scrypt', ...cost, salt: salt.toString('base64'), data: data.toString('base64') }));
}

const nothing = () => ({});

/** `more` gives further fields of a blob in the index. */
export function craft(
  nodes: readonly Crafted[],
  { key = usualKey, more = nothing }: { key?: Buffer; more?: (plain: Buffer) => object } = {},
) {
  const writer = new Writer(key);
  return { snapshot: writer.finish(writer.tree(nodes), more), files: writer.files };
}

/** For `more`: the list of the folder that holds this name is said to have so many bytes. */
export const listOf = (name: string, bytes: number) => (plain: Buffer) =>
  plain.includes(`"name":"${name}"`) ? { uncompressed_length: bytes } : {};

/** `change` may do harm to what lies in the store. */
export function openCrafted(nodes: readonly Crafted[], change: (files: Map<string, Uint8Array>) => void = () => {}): Promise<FileTree> {
  const { files, snapshot } = craft(nodes);
  change(files);
  return openFiles(files, snapshot);
}

export function openFiles(
  files: Map<string, Uint8Array>,
  snapshot: string,
  repositories = new OpenRepositories(new KeptIndexes(memoryStore())),
): Promise<FileTree> {
  return repositories.openTree({ store: memoryStore(files), prefix: 'r/' }, () => Promise.resolve(password), snapshot, never);
}
