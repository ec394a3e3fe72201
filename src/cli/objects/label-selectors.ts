/** Selectors as they are typed, in the form in which a spec holds them. */
import { ApiError } from '../../machinery/errors.ts';
import { parseLabelSelector } from '../../machinery/reading/labels.ts';
import type { LabelRequirement } from '../../machinery/reading/labels.ts';
import { UsageError } from '../exits.ts';

interface SpecSelector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly { readonly key: string; readonly operator: string; readonly values?: readonly string[] }[];
}

const operators: Readonly<Record<LabelRequirement['operator'], string | undefined>> = {
  in: 'In',
  notin: 'NotIn',
  exists: 'Exists',
  '!': 'DoesNotExist',
  gt: undefined,
  lt: undefined,
};

/** Throws UsageError. */
export function specSelector(flag: string, text: string): SpecSelector {
  const requirements = parsed(flag, text);
  if (requirements.length === 0) throw new UsageError(`--${flag}: it is empty`);
  const labels = requirements.filter(isLabel(requirements));
  const others = requirements.filter((requirement) => !labels.includes(requirement));
  return {
    ...(labels.length > 0 && { matchLabels: Object.fromEntries(labels.map(({ key, values: [value = ''] }) => [key, value])) }),
    ...(others.length > 0 && { matchExpressions: others.map((requirement) => expressionOf(flag, requirement)) }),
  };
}

/** `a=b or c=d`, as velero writes several of which one has to match. */
export function specSelectors(flag: string, text: string): SpecSelector[] {
  return text.split(/\s+or\s+/).map((one) => specSelector(flag, one));
}

/** One value of a key that is named once. */
const isLabel =
  (all: readonly LabelRequirement[]) =>
  ({ key, operator, values }: LabelRequirement) =>
    operator === 'in' && values.length === 1 && all.filter((other) => other.key === key).length === 1;

function expressionOf(flag: string, { key, operator, values }: LabelRequirement) {
  const word = operators[operator];
  if (word === undefined) throw new UsageError(`--${flag}: "${key}" is compared by < or >, which a spec cannot hold`);
  return { key, operator: word, ...(values.length > 0 && { values }) };
}

function parsed(flag: string, text: string): readonly LabelRequirement[] {
  try {
    return parseLabelSelector(text);
  } catch (error) {
    if (error instanceof ApiError) throw new UsageError(`--${flag}: ${error.message}`, { cause: error });
    throw error;
  }
}
