/**
 * Label selectors: `app=a,tier in (x,y),!old`. Grammar, meaning and messages are those of
 * https://github.com/kubernetes/apimachinery/blob/master/pkg/labels/selector.go
 */
import { badRequest } from '../errors.ts';
import { labelValueFaults, qualifiedNameFaults } from '../writing/names.ts';

type Operator = 'in' | 'notin' | 'exists' | '!' | 'gt' | 'lt';

export interface LabelRequirement {
  readonly key: string;
  readonly operator: Operator;
  readonly values: readonly string[];
}

/** All of them have to hold; an empty one matches everything. */
export type LabelSelector = readonly LabelRequirement[];

/** Throws ApiError 400. */
export function parseLabelSelector(text: string): LabelSelector {
  const tokens = tokensOf(text);
  const requirements: LabelRequirement[] = [];
  if (tokens.end()) return requirements;
  for (;;) {
    if (!tokens.word() && tokens.peek() !== '!') {
      const after = requirements.length > 0 ? `identifier after ','` : `!, identifier, or 'end of string'`;
      throw badRequest(`found '${tokens.peek()}', expected: ${after}`);
    }
    requirements.push(requirementOf(tokens));
    if (tokens.end()) return requirements;
    const between = tokens.take();
    if (between !== ',') throw badRequest(`found '${between}', expected: ',' or 'end of string'`);
  }
}

export function matchesLabels(selector: LabelSelector, labels: Readonly<Record<string, string>> | undefined): boolean {
  return selector.every((requirement) => holds(requirement, valueOf(labels, requirement.key)));
}

/**
 * Whether an object with this text can match. False is certain, true is not; nothing is parsed for it, which is most of the cost of a
 * selection from many objects. The text is one of encode.ts: without white space.
 */
export function mayMatch(selector: LabelSelector): (json: string) => boolean {
  const needles = selector.map(needlesOf).filter((some) => some.length > 0);
  return (json) => needles.every((some) => some.some((needle) => json.includes(needle)));
}

/** One of these stands in the text of whatever matches; none where also objects without the label match. */
function needlesOf({ key, operator, values }: LabelRequirement): readonly string[] {
  if (operator === 'notin' || operator === '!') return [];
  const start = `${JSON.stringify(key)}:`;
  return operator === 'in' ? values.map((value) => start + JSON.stringify(value)) : [start];
}

function holds({ operator, values }: LabelRequirement, value: string | undefined): boolean {
  if (operator === 'in') return value !== undefined && values.includes(value);
  if (operator === 'notin') return value === undefined || !values.includes(value);
  if (operator === 'exists') return value !== undefined;
  if (operator === '!') return value === undefined;
  return compares(operator, integerOf(value ?? ''), integerOf(values[0] ?? ''));
}

function compares(operator: 'gt' | 'lt', left: bigint | undefined, right: bigint | undefined): boolean {
  if (left === undefined || right === undefined) return false;
  return operator === 'gt' ? left > right : left < right;
}

function valueOf(labels: Readonly<Record<string, string>> | undefined, key: string): string | undefined {
  return labels !== undefined && Object.hasOwn(labels, key) ? labels[key] : undefined;
}

const binary: Readonly<Record<string, Operator>> = {
  in: 'in',
  notin: 'notin',
  '=': 'in',
  '==': 'in',
  '!=': 'notin',
  '>': 'gt',
  '<': 'lt',
};

function requirementOf(tokens: Tokens): LabelRequirement {
  const absent = tokens.peek() === '!';
  if (absent) tokens.take();
  const key = tokens.word() ? tokens.take() : unparsable(`found '${tokens.peek()}', expected: identifier`);
  refuse('key', key, qualifiedNameFaults(key));
  if (absent) return { key, operator: '!', values: [] };
  if (tokens.end() || tokens.peek() === ',') return { key, operator: 'exists', values: [] };
  return comparisonOf(tokens, key);
}

function comparisonOf(tokens: Tokens, key: string): LabelRequirement {
  const sign = tokens.take();
  const operator = Object.hasOwn(binary, sign) ? binary[sign] : undefined;
  if (operator === undefined) return unparsable(`found '${sign}', expected: in, notin, =, ==, !=, gt, lt`);
  const values = sign === 'in' || sign === 'notin' ? setOf(tokens) : [exactOf(tokens)];
  if (values.length === 0) unparsable(`values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty`);
  for (const [index, value] of values.entries()) refuse(`values[${index}][${key}]`, value, labelValueFaults(value));
  if ((operator === 'gt' || operator === 'lt') && integerOf(values[0] ?? '') === undefined)
    unparsable(`values[0]: Invalid value: ${JSON.stringify(values[0])}: for 'Gt', 'Lt' operators, the value must be an integer`);
  return { key, operator, values };
}

function exactOf(tokens: Tokens): string {
  if (tokens.end() || tokens.peek() === ',') return '';
  return tokens.word() ? tokens.take() : unparsable(`found '${tokens.peek()}', expected: identifier`);
}

/** `(a, b)`; an empty place such as in `(a,)` is the empty value, and `()` is empty. */
function setOf(tokens: Tokens): readonly string[] {
  if (tokens.peek() !== '(') unparsable(`found '${tokens.peek()}', expected: '('`);
  tokens.take();
  const values = new Set<string>();
  if (tokens.peek() === ')') {
    tokens.take();
    return [];
  }
  if (!tokens.word() && tokens.peek() !== ',') unparsable(`found '${tokens.peek()}', expected: ',', ')' or identifier`);
  for (;;) {
    values.add(tokens.word() ? tokens.take() : '');
    const next = tokens.take();
    if (next === ')') return [...values].sort();
    if (next !== ',') unparsable(`found '${next}', expected: ',' or ')'`);
  }
}

interface Tokens {
  end(): boolean;
  /** The next token; empty at the end. */
  peek(): string;
  take(): string;
  /** Whether the next one is an identifier. */
  word(): boolean;
}

function tokensOf(text: string): Tokens {
  const all = text.match(/==|!=|[=!(),<>]|[^=!(),<>\s]+/g) ?? [];
  let at = 0;
  return {
    end: () => at >= all.length,
    peek: () => all[at] ?? '',
    take: () => all[at++] ?? '',
    word: () => /^[^=!(),<>]/.test(all[at] ?? ''),
  };
}

function refuse(field: string, value: string, faults: readonly string[]): void {
  if (faults.length > 0) unparsable(`${field}: Invalid value: ${JSON.stringify(value)}: ${faults.join('; ')}`);
}

function unparsable(why: string): never {
  throw badRequest(`unable to parse requirement: ${why}`);
}

/** A 64-bit integer, as Kubernetes compares labels; undefined for anything else. */
function integerOf(text: string): bigint | undefined {
  if (!/^[+-]?\d{1,19}$/.test(text)) return undefined;
  const value = BigInt(text.replace('+', ''));
  return value === BigInt.asIntN(64, value) ? value : undefined;
}
