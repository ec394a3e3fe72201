/**
 * Proofs that Kylon has made an object of the cluster, and for whom: whoever may make objects in a namespace can set any label and any name, and what he
 * has made is neither used nor deleted. Kind, place and purpose are signed with a key that lies in the store, made once by one put-if-absent.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Ids } from '../base/ids.ts';
import type { ClusterObject } from '../cluster/cluster.ts';
import type { ObjectStore } from '../objectstore/objectstore.ts';
import { StoreDamaged, StoreUnavailable } from '../objectstore/objectstore.ts';
import { readIfThere } from '../objectstore/read-if-there.ts';
import { fieldsOf, textOf } from './selection/fields.ts';

/** Annotation of what Kylon makes in a namespace to take, copy or make a volume. */
const proofAnnotation = 'backup.kylon.io/proof';

interface ProofParts {
  readonly store: ObjectStore;
  /** Names the cluster in the store. */
  readonly domain: string;
  readonly ids: Ids;
}

export class Proofs {
  readonly #parts: ProofParts;
  #known: Buffer | undefined;

  constructor(parts: ProofParts) {
    this.#parts = parts;
  }

  /** What is about to be made for the object with this uid, with its proof. Rejects with a StoreError. */
  async give(object: ClusterObject, uid: string, signal: AbortSignal): Promise<ClusterObject> {
    const proof = proofOf(object, uid, await this.#key(signal)).toString('base64url');
    const { metadata } = object;
    return { ...object, metadata: { ...metadata, annotations: { ...fieldsOf(metadata['annotations']), [proofAnnotation]: proof } } };
  }

  /** What was found, if Kylon has made it for the object with this uid. Rejects with a StoreError. */
  async proved(found: ClusterObject | undefined, uid: string, signal: AbortSignal): Promise<ClusterObject | undefined> {
    const shown = Buffer.from(textOf(fieldsOf(found?.metadata['annotations'])[proofAnnotation]) ?? '', 'base64url');
    if (!found || shown.length === 0) return undefined;
    const proof = proofOf(found, uid, await this.#key(signal));
    return shown.length === proof.length && timingSafeEqual(shown, proof) ? found : undefined;
  }

  /** Whatever became of the put, what lies there then is what counts. */
  async #key(signal: AbortSignal): Promise<Buffer> {
    const { store, ids } = this.#parts;
    this.#known ??= await this.#read(signal);
    if (this.#known) return this.#known;
    await store.putIfAbsent(this.#place(), Buffer.from(`${ids.hex(32)}\n`), signal);
    this.#known = await this.#read(signal);
    if (this.#known) return this.#known;
    throw new StoreUnavailable(`${this.#place()} was written, and cannot be found`);
  }

  async #read(signal: AbortSignal): Promise<Buffer | undefined> {
    const bytes = await readIfThere(this.#parts.store, this.#place(), signal);
    if (!bytes) return undefined;
    const text = Buffer.from(bytes).toString();
    if (!/^[0-9a-f]{64}\n$/.test(text)) throw new StoreDamaged(`${this.#place()} is damaged`);
    return Buffer.from(text.trimEnd(), 'hex');
  }

  readonly #place = () => `d/${this.#parts.domain}/proof-key`;
}

/** The first line tells it from whatever else may be signed with the key one day. */
const proofOf = ({ kind, metadata: { namespace = '', name } }: ClusterObject, uid: string, key: Uint8Array) =>
  createHmac('sha256', key).update(['kylon proof 1', kind, namespace, name, uid].join('\n')).digest();
