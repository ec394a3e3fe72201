/** The store holds something that cannot be what Kylon wrote there. It does not pass by itself: somebody has to look. */
export class CatalogFault extends Error {
  override readonly name: string = 'CatalogFault';
  /** The object of the store that is at fault. */
  readonly object: string;
  constructor(object: string, fault: string) {
    super(`${object}: ${fault}`);
    this.object = object;
  }
}

/** A segment that was written onto another log than the one before it. */
export class ForkedLog extends CatalogFault {
  override readonly name = 'ForkedLog';
}
