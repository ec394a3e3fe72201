/** metav1.LabelSelector, the form that selectors have inside of objects: as the text that a list takes, and as a question to labels. */
import { matchesLabels } from '../../machinery/reading/labels.ts';
import type { LabelRequirement } from '../../machinery/reading/labels.ts';

export interface ObjectLabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly { readonly key: string; readonly operator: string; readonly values?: readonly string[] }[];
}

/** `app in (web),!old`; empty for a selector that selects everything. */
export function selectorText(selector: ObjectLabelSelector | undefined): string {
  return requirementsOf(selector).map(textOf).join(',');
}

/** A missing selector selects everything. */
export function selects(selector: ObjectLabelSelector | undefined, labels: Readonly<Record<string, string>>): boolean {
  return matchesLabels(requirementsOf(selector), labels);
}

/** The two ways in which a spec chooses by labels. */
export interface LabelChoice {
  readonly labelSelector?: ObjectLabelSelector;
  readonly orLabelSelectors?: readonly ObjectLabelSelector[];
}

/** Whether the labels fit the selector, and one of several where there are such. */
export function hasLabels({ labelSelector, orLabelSelectors }: LabelChoice, labels: Readonly<Record<string, string>> = {}): boolean {
  if (orLabelSelectors?.length && !orLabelSelectors.some((selector) => selects(selector, labels))) return false;
  return selects(labelSelector, labels);
}

const operators: Readonly<Record<string, LabelRequirement['operator']>> = { In: 'in', NotIn: 'notin', Exists: 'exists', DoesNotExist: '!' };

function requirementsOf(selector: ObjectLabelSelector | undefined): LabelRequirement[] {
  const equal = Object.entries(selector?.matchLabels ?? {}).map(([key, value]) => ({ key, operator: 'in' as const, values: [value] }));
  const others = (selector?.matchExpressions ?? []).map(({ key, operator, values = [] }) => ({
    key,
    operator: operators[operator] ?? 'in',
    values,
  }));
  return [...equal, ...others];
}

function textOf({ key, operator, values }: LabelRequirement): string {
  if (operator === 'exists') return key;
  return operator === '!' ? `!${key}` : `${key} ${operator} (${values.join(',')})`;
}
