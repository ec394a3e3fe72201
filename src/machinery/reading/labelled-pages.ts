/** Selection by label from pages that storage keeps: the same controllers ask for the same labels again and again. */
import type { LabelSelector } from './labels.ts';
import { matchesLabels, mayMatch } from './labels.ts';
import type { KubeObject } from '../object.ts';
import type { Stored } from '../storage.ts';

type Labels = Readonly<Record<string, string>> | undefined;

/** What is known of a page: kept as long as storage keeps the page. */
interface KnownPage {
  readonly labels: readonly Labels[];
  /** By selector: the same for each who asks, so that also its bytes are made once. */
  readonly selected: Map<string, readonly Stored[]>;
}

/** Null of a page that was seen once: most never come again, and then it is not worth to parse all of it. */
const knownPages = new WeakMap<readonly Stored[], KnownPage | null>();
/** So much is kept of a page: selections that are each a small part of it. */
const mostSelections = 8;
const largestPart = 1 / 8;

/** Those that match. Of a page that is asked again nothing is parsed any more, and a small part of it is the same array each time. */
export function labelled(page: readonly Stored[], selector: LabelSelector): readonly Stored[] {
  const known = knownPage(page);
  if (known === undefined) {
    const canMatch = mayMatch(selector);
    return page.filter(({ json }) => canMatch(json) && matchesLabels(selector, labelsOf(json)));
  }
  const text = JSON.stringify(selector);
  const found = known.selected.get(text) ?? page.filter((_, index) => matchesLabels(selector, known.labels[index]));
  if (found.length > page.length * largestPart) return found;
  known.selected.delete(text);
  known.selected.set(text, found);
  for (const oldest of known.selected.keys()) if (known.selected.size > mostSelections) known.selected.delete(oldest);
  return found;
}

function knownPage(page: readonly Stored[]): KnownPage | undefined {
  const known = knownPages.get(page);
  if (known) return known;
  const made = known === null ? { labels: page.map(({ json }) => labelsOf(json)), selected: new Map<string, readonly Stored[]>() } : null;
  knownPages.set(page, made);
  return made ?? undefined;
}

const labelsOf = (json: string) => (JSON.parse(json) as KubeObject).metadata.labels;
