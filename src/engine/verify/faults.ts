/** What a verification finds: counts everything, keeps the first faults. */
import { mostFaults } from '../../resources/verified.ts';
import type { Fault } from '../../resources/verified.ts';

/** Characters of a message that are kept. */
const longest = 500;

export interface Found {
  /** Objects that are as they were written. */
  readonly items: number;
  /** Of files, read. */
  readonly bytes: number;
  readonly faultCount: number;
  readonly faults: Fault[];
}

export class Findings {
  items = 0;
  bytes = 0;
  readonly #faults: Fault[] = [];
  #count = 0;

  /** `file` is empty where it is about all; `item` is the key of an object. */
  fault(file: string, message: string, item?: string): void {
    this.#count += 1;
    if (this.#faults.length < mostFaults)
      this.#faults.push({ ...(file && { file }), ...(item !== undefined && { item }), message: message.slice(0, longest) });
  }

  get found(): Found {
    return { items: this.items, bytes: this.bytes, faultCount: this.#count, faults: [...this.#faults] };
  }
}
