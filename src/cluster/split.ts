/** Cuts the items out of a list answer as the bytes they are. */
import { asBuffer, elementsOf, isArrayAt, JsonFault, membersOf, parseAt, skipValue } from '../base/json-scanner.ts';
import { ClusterError } from './cluster.ts';

export interface SplitList {
  readonly resourceVersion: string;
  /** Empty on the last page. */
  readonly continue: string;
  /** Undefined where the server does not count. */
  readonly remainingItemCount: number | undefined;
  /** Views into the answer: whoever keeps one keeps the whole answer in memory. */
  readonly items: readonly Uint8Array[];
}

/** Throws ClusterError at what is not a JSON object with `items`. What lies inside of an item is not looked at. */
export function splitList(bytes: Uint8Array): SplitList {
  try {
    return split(asBuffer(bytes));
  } catch (error) {
    if (!(error instanceof JsonFault)) throw error;
    throw new ClusterError(0, '', `the answer is not a list: ${error.message}`);
  }
}

function split(bytes: Buffer): SplitList {
  let items: readonly Uint8Array[] = [];
  const members = membersOf(bytes, (key, start) => {
    if (key !== 'items') return skipValue(bytes, start);
    const { elements, end } = isArrayAt(bytes, start) ? elementsOf(bytes, start) : { elements: [], end: skipValue(bytes, start) };
    items = elements;
    return end;
  });
  const found = members.findLast(({ key }) => key === 'items');
  if (!found) throw new JsonFault('there are no items in it', bytes.length);
  // Some servers write null for an empty list.
  if (!isArrayAt(bytes, found.start) && parseAt(bytes, found.start, found.end) !== null)
    throw new JsonFault('items is not an array', found.start);
  const metadata = members.findLast(({ key }) => key === 'metadata');
  const parsed = metadata && (parseAt(bytes, metadata.start, metadata.end) as Partial<SplitList> | null);
  return {
    resourceVersion: parsed?.resourceVersion ?? '',
    continue: parsed?.continue ?? '',
    remainingItemCount: parsed?.remainingItemCount,
    items,
  };
}
