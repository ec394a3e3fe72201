/** Objects as rows of the Table that kubectl prints. */
import { textExactly } from '../../base/exact-json.ts';
import { decode, withVersion } from '../encode.ts';
import { humanDuration, steadyWhileGrowing, steadyWhileShrinking } from './human-duration.ts';
import type { KubeObject } from '../object.ts';
import { PageBytes } from './page-bytes.ts';
import { partialOf, partialText } from './partial.ts';
import type { Shown } from '../representation.ts';
import type { Column, ResourceDefinition } from '../resource.ts';
import { valueAt } from './value-at.ts';
import type { MetaVersion, View } from './view.ts';

export type IncludeObject = 'None' | 'Metadata' | 'Object';

interface TableOptions {
  readonly version: MetaVersion;
  /** What goes with each row. */
  readonly include: IncludeObject;
  /** Milliseconds since the epoch, from which ages are counted. */
  readonly now: () => number;
}

type Cell = string | number | boolean | null;

export function tableView(options: TableOptions): View {
  const table = (definition: ResourceDefinition, metadata: object, first: boolean) => ({
    kind: 'Table',
    apiVersion: `meta.k8s.io/${options.version}`,
    metadata,
    columnDefinitions: first ? columnDefinitions(definition) : null,
  });
  return {
    object: (definition, shown, first) => {
      const head = JSON.stringify(table(definition, shown.rv > 0 ? { resourceVersion: String(shown.rv) } : {}, first));
      return `${head.slice(0, -1)},"rows":[${rowText(definition, shown, options)}]}`;
    },
    head: (definition, metadata) => table(definition, metadata, true),
    entries: 'rows',
    entry: (definition, shown) => rowText(definition, shown, options),
    pageBytes: (definition, page, isFirst, text) => {
      const now = options.now();
      const until = () => now + Math.min(...page.map((shown) => steadyFor(definition, shown, now)));
      return knownFor(options).of(page, isFirst, now, () => ({ text: text(), until: until() }));
    },
    // The first of each watch has columns, and ages go on.
    eventBytes: (_, __, text) => Buffer.from(text()),
    bookmark: (definition, metadata, first) => {
      const cells = columnsOf(definition).map(() => null);
      const rows = [{ cells, object: partialOf(metadata, options.version) }];
      return JSON.stringify({ ...table(definition, { resourceVersion: metadata.resourceVersion }, first), rows });
    },
  };
}

const known = new Map<string, PageBytes>();

/** One for each of the few looks that a Table can have. */
function knownFor({ version, include }: TableOptions): PageBytes {
  const look = `${version} ${include}`;
  const found = known.get(look) ?? new PageBytes();
  known.set(look, found);
  return found;
}

const nameColumn: Column = {
  name: 'Name',
  type: 'string',
  description: 'Name of the object, unique among those of its kind in its namespace.',
  value: 'metadata.name',
};

const ageColumn: Column = {
  name: 'Age',
  type: 'date',
  description: 'Time since the object was created.',
  value: 'metadata.creationTimestamp',
};

const columnsByDefinition = new WeakMap<ResourceDefinition, readonly Column[]>();

/** Name, what is always shown, Age, and then what `-o wide` adds: the order of native kinds. */
function columnsOf(definition: ResourceDefinition): readonly Column[] {
  const known = columnsByDefinition.get(definition);
  if (known) return known;
  const { columns } = definition;
  const all = [nameColumn, ...columns.filter((column) => !isWide(column)), ageColumn, ...columns.filter(isWide)];
  columnsByDefinition.set(definition, all);
  return all;
}

const isWide = ({ priority = 0 }: Column) => priority > 0;

function columnDefinitions(definition: ResourceDefinition) {
  return columnsOf(definition).map((column) => ({
    name: column.name,
    type: column.type,
    format: column === nameColumn ? 'name' : '',
    description: column.description,
    priority: column.priority ?? 0,
  }));
}

/** What of a row stays the same as long as the object does; ages do not. */
interface Row {
  /** Of the columns; of a date the milliseconds since the epoch, NaN where it is none. */
  readonly values: readonly Cell[];
  /** JSON. */
  readonly metadata: string;
}

/** To parse an object costs more than all else that its row takes. Kept as long as storage keeps what it is of. */
const rows = new WeakMap<Shown, Row>();

function rowOf(definition: ResourceDefinition, shown: Shown): Row {
  const known = rows.get(shown);
  if (known) return known;
  const object = decode(shown);
  const row = { values: columnsOf(definition).map((column) => valueOf(column, object)), metadata: textExactly(object.metadata) };
  rows.set(shown, row);
  return row;
}

function rowText(definition: ResourceDefinition, shown: Shown, options: TableOptions): string {
  const { values, metadata } = rowOf(definition, shown);
  const now = options.now();
  const cells = columnsOf(definition).map((column, index) => cellOf(column, values[index] ?? null, now));
  return `{"cells":${textExactly(cells)},"object":${companion(shown, metadata, options)}}`;
}

function companion({ json, rv }: Shown, metadata: string, { include, version }: TableOptions): string {
  if (include === 'None') return 'null';
  return include === 'Object' ? withVersion(json, rv) : partialText(metadata, version);
}

function valueOf(column: Column, object: KubeObject): Cell {
  const value = typeof column.value === 'string' ? valueAt(object, column.value) : column.value(object);
  if (column.type === 'date' && value !== undefined && value !== null) return typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null;
}

function cellOf(column: Column, value: Cell, now: number): Cell {
  if (column.type !== 'date') return value;
  if (typeof value === 'number') return dateCell(value, column, now);
  return column === ageColumn ? '<unknown>' : null;
}

/** Milliseconds for which a row stays as it is: as long as its ages do. */
function steadyFor(definition: ResourceDefinition, shown: Shown, now: number): number {
  const { values } = rowOf(definition, shown);
  const spans = columnsOf(definition).map((column, index) => steadyCell(column, values[index] ?? null, now));
  return Math.min(...spans);
}

function steadyCell(column: Column, value: Cell, now: number): number {
  if (column.type !== 'date' || typeof value !== 'number' || Number.isNaN(value)) return Infinity;
  return column === ageColumn || now >= value ? steadyWhileGrowing(now - value) : steadyWhileShrinking(value - now);
}

/** How long ago it was, or, for times that a kind shows itself, how long it still is until then. */
function dateCell(time: number, column: Column, now: number): string {
  if (Number.isNaN(time)) return '<invalid>';
  return humanDuration(column === ageColumn ? now - time : Math.abs(now - time));
}
