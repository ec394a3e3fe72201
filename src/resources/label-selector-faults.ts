/** What can be wrong with a label selector in a spec, in the words in which Kubernetes says it of its own kinds. */
import type { FieldError } from '../machinery/errors.ts';
import { labelValueFaults, qualifiedNameFaults } from '../machinery/writing/names.ts';

interface Requirement {
  readonly key: string;
  readonly operator: string;
  readonly values?: readonly string[];
}

interface Selector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly Requirement[];
}

export function labelSelectorFaults(field: string, { matchLabels = {}, matchExpressions = [] }: Selector): readonly FieldError[] {
  return [
    ...labelFaults(`${field}.matchLabels`, matchLabels),
    ...matchExpressions.flatMap((requirement, index) => requirementFaults(`${field}.matchExpressions[${index}]`, requirement)),
  ];
}

/** What can be wrong with labels that something must have. */
export function labelFaults(field: string, labels: Readonly<Record<string, string>>): readonly FieldError[] {
  return Object.entries(labels).flatMap(([key, value]) => [...keyFaults(field, key), ...valueFaults(`${field}[${key}]`, value)]);
}

function requirementFaults(field: string, { key, operator, values = [] }: Requirement): readonly FieldError[] {
  return [
    ...countFaults(`${field}.values`, operator, values.length),
    ...keyFaults(`${field}.key`, key),
    ...values.flatMap((value, index) => valueFaults(`${field}.values[${index}]`, value)),
  ];
}

function countFaults(field: string, operator: string, count: number): readonly FieldError[] {
  const needsValues = operator === 'In' || operator === 'NotIn';
  if (needsValues && count === 0)
    return [{ field, type: 'Required value', detail: "must be specified when `operator` is 'In' or 'NotIn'" }];
  if (needsValues || count === 0) return [];
  return [{ field, type: 'Forbidden', detail: "may not be specified when `operator` is 'Exists' or 'DoesNotExist'" }];
}

export const keyFaults = (field: string, key: string) => qualifiedNameFaults(key).map((detail) => invalid(field, key, detail));
const valueFaults = (field: string, value: string) => labelValueFaults(value).map((detail) => invalid(field, value, detail));
const invalid = (field: string, value: string, detail: string): FieldError => ({ field, type: 'Invalid value', value, detail });
