/** Objects as rows of the Table that kubectl prints. */
import { textExactly } from '../../base/exact-json.ts';
import { decode } from '../encode.ts';
import { humanDuration } from './human-duration.ts';
import type { KubeObject } from '../object.ts';
import { partialOf } from './partial.ts';
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
    object: (definition, shown, first) =>
      textExactly({
        ...table(definition, shown.rv > 0 ? { resourceVersion: String(shown.rv) } : {}, first),
        rows: [row(definition, decode(shown), options)],
      }),
    head: (definition, metadata) => table(definition, metadata, true),
    entries: 'rows',
    entry: (definition, shown) => textExactly(row(definition, decode(shown), options)),
    bookmark: (definition, metadata, first) => {
      const cells = columnsOf(definition).map(() => null);
      const rows = [{ cells, object: partialOf(metadata, options.version) }];
      return JSON.stringify({ ...table(definition, { resourceVersion: metadata.resourceVersion }, first), rows });
    },
  };
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

/** Name, what is always shown, Age, and then what `-o wide` adds: the order of native kinds. */
function columnsOf({ columns }: ResourceDefinition): readonly Column[] {
  return [nameColumn, ...columns.filter((column) => !isWide(column)), ageColumn, ...columns.filter(isWide)];
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

function row(definition: ResourceDefinition, object: KubeObject, options: TableOptions) {
  const cells = columnsOf(definition).map((column) => cell(column, object, options.now()));
  return { cells, object: companion(object, options) };
}

function companion(object: KubeObject, { include, version }: TableOptions) {
  if (include === 'None') return null;
  return include === 'Object' ? object : partialOf(object.metadata, version);
}

function cell(column: Column, object: KubeObject, now: number): Cell {
  const value = typeof column.value === 'string' ? valueAt(object, column.value) : column.value(object);
  if (column.type === 'date') return column === ageColumn && value === undefined ? '<unknown>' : dateCell(value, column, now);
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null;
}

/** How long ago it was, or, for times that a kind shows itself, how long it still is until then. */
function dateCell(value: unknown, column: Column, now: number): string | null {
  if (value === undefined || value === null) return null;
  const time = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(time)) return '<invalid>';
  return humanDuration(column === ageColumn ? now - time : Math.abs(now - time));
}
