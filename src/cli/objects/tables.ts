/** The Table that the server makes of objects, and its rows as text. https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables */
import type { Cell } from '../output/table.ts';

export interface Table {
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
  /** Null in all events of a watch but the first. */
  readonly columnDefinitions: readonly Column[] | null;
  readonly rows: readonly Row[];
}

interface Column {
  readonly name: string;
  readonly priority?: number;
}

export interface Row {
  readonly cells: readonly Cell[];
  readonly object?: {
    readonly metadata?: {
      readonly namespace?: string;
      readonly resourceVersion?: string;
      readonly labels?: Readonly<Record<string, string>>;
    };
  };
}

export interface Shown {
  readonly wide: boolean;
  readonly namespaces: boolean;
  readonly labels: boolean;
}

export const tableAccept = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';

export function headOf(columns: readonly Column[], shown: Shown): string[] {
  const names = columns.filter(isShown(shown)).map(({ name }) => name.toUpperCase());
  return [...(shown.namespaces ? ['NAMESPACE'] : []), ...names, ...(shown.labels ? ['LABELS'] : [])];
}

export function cellsOf(row: Row, columns: readonly Column[], shown: Shown): Cell[] {
  const { namespace = '', labels = {} } = row.object?.metadata ?? {};
  const cells = columns.flatMap((column, index) => (isShown(shown)(column) ? [row.cells[index] ?? null] : []));
  return [...(shown.namespaces ? [namespace] : []), ...cells, ...(shown.labels ? [labelText(labels)] : [])];
}

const isShown =
  ({ wide }: Shown) =>
  ({ priority = 0 }: Column) =>
    wide || priority === 0;

function labelText(labels: Readonly<Record<string, string>>): string {
  const texts = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  return texts.length === 0 ? '<none>' : texts.toSorted().join(',');
}
