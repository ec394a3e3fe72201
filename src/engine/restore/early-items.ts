/** Which objects came back before their owners: of each object of such a resource one bit, by its place in the archive. */
export class EarlyItems {
  /** By `plural.group`. */
  readonly #bits = new Map<string, Uint8Array>();
  readonly #counts: ReadonlyMap<string, number>;

  /** How many items of each resource there are. */
  constructor(counts: ReadonlyMap<string, number>) {
    this.#counts = counts;
  }

  get resources(): readonly string[] {
    return [...this.#bits.keys()];
  }

  add(resource: string, place: number): void {
    const bits = this.#bits.get(resource) ?? new Uint8Array(((this.#counts.get(resource) ?? 0) >> 3) + 1);
    bits[place >> 3] = (bits[place >> 3] ?? 0) | (1 << (place & 7));
    this.#bits.set(resource, bits);
  }

  /** Those of a resource are to be looked at again. */
  take(resource: string): (place: number) => boolean {
    const bits = this.#bits.get(resource);
    this.#bits.delete(resource);
    return (place) => ((bits?.[place >> 3] ?? 0) & (1 << (place & 7))) !== 0;
  }
}
