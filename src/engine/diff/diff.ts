/** What has changed since a backup: a page of differences, made in bounded time and memory however large the two sides are. */
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../../base/clock.ts';
import { textExactly } from '../../base/exact-json.ts';
import { messageOf } from '../../base/lifetime.ts';
import { StoreDamaged } from '../../objectstore/objectstore.ts';
import { quote } from '../../machinery/errors.ts';
import { matchesLabels, parseLabelSelector } from '../../machinery/reading/labels.ts';
import type { Difference, DifferencePage, ItemQuery } from '../../resources/services.ts';
import { ArchiveDamaged } from '../archive/archive.ts';
import type { ArchiveReader } from '../archive/archive.ts';
import { compareKeys, parseKey } from '../archive/item-key.ts';
import type { ItemRecord } from '../archive/item-record.ts';
import { objectOf } from '../restore/saved-items.ts';
import { merge, OutOfOrder } from './merge.ts';
import type { Step } from './merge.ts';
import { patchOf } from './patch.ts';
import type { Entry, Side } from './sides.ts';
import type { Place } from './token.ts';
import { beginning, decodePlace, encodePlace } from './token.ts';

export interface Comparison {
  readonly reader: ArchiveReader;
  readonly side: Side;
  readonly query: ItemQuery;
  readonly warnings: Warnings;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Milliseconds of work after which a page ends: kube-apiserver gives a request 60 seconds. */
const patience = 20_000;
/** Characters of patches after which it ends. */
const pageLength = 8 << 20;

/** Rejects with ApiError 400 for a malformed selector or token. */
export async function comparePage(comparison: Comparison): Promise<DifferencePage> {
  const { side, reader, query, warnings } = comparison;
  const from = decodePlace(query.continue);
  const page = new Page(comparison, from);
  const resources = [...new Set([...side.resources, ...reader.resources().keys()])].filter(resourceFilter(query)).sort(compareKeys);
  // A misspelt name must not look like no difference.
  if (resources.length === 0 && (query.resource ?? query.group) !== undefined)
    warnings.add(`nothing is compared: ${chosenBy(query)} names no resource`);
  for (const resource of resources) {
    if (resource < from.resource) continue;
    await compareResource(comparison, page, resource === from.resource ? from : { ...beginning, resource });
    if (page.end) break;
  }
  return { items: page.items, continue: page.end ? encodePlace(page.end) : '', warnings: warnings.texts };
}

async function compareResource({ reader, side, query, signal, warnings }: Comparison, page: Page, from: Place): Promise<void> {
  const { resource, after } = from;
  const saved = reader.records(prefixOf(resource, query), after, signal);
  const readSaved = reader.manifests();
  try {
    for await (const step of merge(saved, side.pages(resource, from, signal), after)) {
      if (step.gap !== undefined) warnings.add(step.gap);
      const difference = page.wants(step) ? await differenceOf(resource, step, readSaved, signal).catch(toldOf(warnings, step)) : undefined;
      page.add(difference, { resource, ...step.at });
      if (page.end) return;
    }
  } catch (error) {
    if (!(error instanceof OutOfOrder)) throw error;
    warnings.add(`${resource} is not compared to its end: ${error.message}`);
  }
}

/** What cannot be read costs only itself. */
function toldOf(warnings: Warnings, { saved, entry }: Step): (error: unknown) => undefined {
  return (error) => {
    if (!(error instanceof ArchiveDamaged || error instanceof StoreDamaged)) throw error;
    warnings.add(`${(saved ?? entry)?.key} is not compared: ${messageOf(error)}`);
  };
}

async function differenceOf(
  resource: string,
  { saved, entry }: Step,
  readSaved: (record: ItemRecord, signal: AbortSignal) => Promise<Uint8Array>,
  signal: AbortSignal,
): Promise<Difference | undefined> {
  if (!saved) return entry?.isSelected() ? shown(entry, 'Added') : undefined;
  if (!entry) return shown(saved, 'Removed');
  const before = objectOf(await readSaved(saved, signal));
  const patch = patchOf(resource, before, await entry.read(signal));
  return patch.length > 0 ? { ...shown(entry, 'Changed'), patch } : undefined;
}

function shown({ key, version, kind }: ItemRecord | Entry, change: Difference['change']): Difference {
  const { group, resource, namespace, name } = parseKey(key);
  return { group, version, kind, resource, namespace, name, change };
}

function resourceFilter({ group, resource }: ItemQuery): (key: string) => boolean {
  return (key) => {
    const held = parseKey(`${key}/`);
    return (group === undefined || group === held.group) && (resource === undefined || resource === held.resource);
  };
}

const chosenBy = ({ group, resource }: ItemQuery) => quote([resource, group].filter((part) => part !== undefined && part !== '').join('.'));

function prefixOf(resource: string, { namespace }: ItemQuery): string {
  if (namespace === undefined) return `${resource}/`;
  return namespace ? `${resource}/namespaces/${namespace}/` : `${resource}/cluster/`;
}

/** Collects differences until it is full, or has taken its time. */
class Page {
  readonly items: Difference[] = [];
  /** Where the next page begins; undefined while this one goes on. */
  end: Place | undefined;
  readonly #comparison: Comparison;
  readonly #matches: (labels: Readonly<Record<string, string>>) => boolean;
  readonly #deadline: number;
  readonly #from: Place;
  #length = 0;

  constructor(comparison: Comparison, from: Place) {
    this.#from = from;
    const selector = parseLabelSelector(comparison.query.labelSelector);
    this.#comparison = comparison;
    this.#matches = (labels) => matchesLabels(selector, labels);
    this.#deadline = comparison.clock.monotonic() + patience;
  }

  /** Whether the query asks for it: by the labels that it has or had. */
  wants({ saved, entry }: Step): boolean {
    const { query } = this.#comparison;
    const found = [saved, entry].filter((one) => one !== undefined);
    const key = found[0] && parseKey(found[0].key);
    if (!key || (query.name !== undefined && key.name !== query.name)) return false;
    if (query.namespace !== undefined && key.namespace !== query.namespace) return false;
    return found.some(({ labels }) => this.#matches(labels));
  }

  /** However late it is, a page comes further than the one before. */
  add(difference: Difference | undefined, at: Place): void {
    const { query, clock } = this.#comparison;
    if (difference) {
      this.items.push(difference);
      this.#length += difference.patch ? textExactly(difference.patch).length : 0;
    }
    const isFull = this.items.length >= query.limit || this.#length >= pageLength;
    const isLate = clock.monotonic() >= this.#deadline && !isDeepStrictEqual(at, this.#from);
    if (isFull || isLate) this.end = at;
  }
}

/** What could not be compared. Bounded: of more, only their number is told. */
export class Warnings {
  readonly #texts: string[] = [];
  #more = 0;

  add(text: string): void {
    if (this.#texts.length < mostWarnings) this.#texts.push(text);
    else this.#more += 1;
  }

  get texts(): readonly string[] {
    return this.#more === 0 ? this.#texts : [...this.#texts, `and ${this.#more} more`];
  }
}

const mostWarnings = 100;
