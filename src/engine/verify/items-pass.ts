/** Everything that the items file says, in the order of the archive; what of it is wrong is told, and passed over. */
import { messageOf } from '../../base/lifetime.ts';
import { StoreDamaged } from '../../objectstore/objectstore.ts';
import { ArchiveDamaged } from '../archive/archive.ts';
import { itemsFile } from '../archive/files.ts';
import type { ItemRecord } from '../archive/item-record.ts';
import type { Block } from '../archive/items-format.ts';
import type { ItemsReader } from '../archive/items-reader.ts';
import { openItems } from '../archive/items-reader.ts';
import type { Manifest } from '../archive/manifest.ts';
import type { StoredFile } from '../archive/stored-file.ts';
import type { Findings } from './faults.ts';

export class ItemsPass {
  readonly #file: StoredFile;
  readonly #count: number;
  readonly #findings: Findings;
  /** False once a part could not be read. */
  isComplete = true;
  readonly #counts = new Map<string, number>();
  #contentBytes = 0;

  /** `count` is how many items there should be, as far as that is known. */
  constructor(file: StoredFile, count: number, findings: Findings) {
    this.#file = file;
    this.#count = count;
    this.#findings = findings;
  }

  async *records(signal: AbortSignal): AsyncIterable<readonly ItemRecord[]> {
    const reader = await openItems(this.#file, this.#count, signal).catch((error: unknown) => this.#tell(error));
    if (!reader) return;
    yield* this.#blocks(reader, signal);
  }

  async *#blocks(reader: ItemsReader, signal: AbortSignal): AsyncIterable<readonly ItemRecord[]> {
    for await (const { block, records, error } of reader.asWritten(signal)) {
      if (error !== undefined) this.#tell(error);
      const sound = records.filter((record) => isSound(record));
      if (sound.length < records.length) this.#tell(new ArchiveDamaged(`block at ${block.offset}: it has lines that are no items`));
      this.#checkOrder(block, sound);
      for (const { bytes } of sound) this.#contentBytes += bytes;
      this.#counts.set(block.resource, (this.#counts.get(block.resource) ?? 0) + sound.length);
      yield sound.toSorted((left, right) => left.member[0] - right.member[0] || left.at - right.at);
    }
  }

  /** Once all records were taken. */
  checkCounts({ resources, contentBytes }: Manifest): void {
    if (!this.isComplete) return;
    for (const resource of new Set([...this.#counts.keys(), ...Object.keys(resources)])) {
      const [found, told] = [this.#counts.get(resource) ?? 0, resources[resource] ?? 0];
      if (found !== told) this.#findings.fault(itemsFile, `it has ${found} ${resource} instead of ${told}`);
    }
    if (this.#contentBytes !== contentBytes)
      this.#findings.fault(itemsFile, `its items have ${this.#contentBytes} bytes of content instead of ${contentBytes}`);
  }

  #checkOrder({ resource, first, last, offset }: Block, records: readonly ItemRecord[]): void {
    const keys = records.map(({ key }) => key);
    const isSorted = keys.every((key, index) => index === 0 || String(keys[index - 1]) < key);
    const isOwn = keys.every((key) => key.startsWith(`${resource}/`));
    if (keys.length > 0 && !(isSorted && isOwn && keys[0] === first && keys.at(-1) === last))
      this.#findings.fault(itemsFile, `block at ${offset}: its items are not those that its index names, or not in order`);
  }

  #tell(error: unknown): undefined {
    if (!(error instanceof ArchiveDamaged || error instanceof StoreDamaged)) throw error;
    this.isComplete = false;
    this.#findings.fault(itemsFile, messageOf(error).replace(`${this.#file.key}: `, ''));
  }
}

/** As an items file can have it, whoever wrote this one. */
function isSound(value: unknown): value is ItemRecord {
  const { key, bytes, sha256, member, at } = (value ?? {}) as Partial<Record<keyof ItemRecord, unknown>>;
  const numbers = [bytes, at, ...(Array.isArray(member) && member.length === 2 ? member : [undefined])];
  return typeof key === 'string' && typeof sha256 === 'string' && numbers.every((one) => Number.isSafeInteger(one) && Number(one) >= 0);
}
