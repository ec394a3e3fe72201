/** The fields by which a Backup and a Restore choose objects, and what can be wrong with them. */
import type { FieldError } from '../machinery/errors.ts';
import { choice, flag, list, map, object, optional, text } from '../machinery/schema.ts';
import type { Static } from '../machinery/schema.ts';
import { labelSelectorFaults } from './label-selector-faults.ts';

export const labelSelector = (description: string) =>
  object(
    description,
    {
      matchLabels: optional(map('Labels that an object must have, with their values.', text('Value that the label must have.'))),
      matchExpressions: optional(
        list(
          'Requirements that must all hold.',
          object('One requirement.', {
            key: text('The label that it is about.'),
            operator: choice('How the label and the values relate.', ['In', 'NotIn', 'Exists', 'DoesNotExist']),
            values: optional(list('The values, for In and NotIn only.', text('One value.'), { 'x-kubernetes-list-type': 'atomic' })),
          }),
          { 'x-kubernetes-list-type': 'atomic' },
        ),
      ),
    },
    { 'x-kubernetes-map-type': 'atomic' },
  );

export const names = (description: string, item: string) =>
  optional(list(description, text(item), { 'x-kubernetes-list-type': 'atomic', maxItems: 1000 }));

export const namespacePattern = 'A name or a pattern: * stands for any characters, ? for one.';
export const resourcePattern =
  'A plural, singular, short name or kind, with its group behind a dot where needed (deployments, deploy, Deployment, deployments.apps), or a pattern of those such as *.example.com.';

export const namePattern = 'A name or a pattern: * stands for any characters, ? for one.';

const filter = object('Which objects of some resources pass, by their names.', {
  resources: list('The resources that it is about.', text(resourcePattern), { 'x-kubernetes-list-type': 'atomic', maxItems: 100 }),
  namespaces: names('The namespaces that it is about. Default: all, and what lies in none.', namespacePattern),
  includedNames: names('Names of the objects that pass. Default: all.', namePattern),
  excludedNames: names('Names of the objects that do not pass, though they are included.', namePattern),
});

type Filter = Static<typeof filter>;

/** `included` says what is taken where includedNamespaces is left out. */
export function selectionFields(included: string) {
  return {
    includedNamespaces: names(
      `Namespaces whose objects are taken: names, patterns such as team-*, or * for all. ${included}`,
      namespacePattern,
    ),
    excludedNamespaces: names('Namespaces whose objects are left out, though they are included: names or patterns.', namespacePattern),
    includedResources: names('Resources of which objects are taken. Default: all.', resourcePattern),
    excludedResources: names('Resources of which no object is taken, though they are included.', resourcePattern),
    includeClusterResources: optional(
      flag(
        'Whether objects that lie in no namespace are taken: true takes all, false none. Left out, those are taken that belong to what is taken: the PersistentVolumes of claims, the CustomResourceDefinitions of custom resources, the Namespaces themselves.',
      ),
    ),
    labelSelector: optional(labelSelector('Takes only objects whose labels match. Excludes orLabelSelectors.')),
    filters: optional(
      list('Narrow single resources by the names of their objects. An object is taken only if it passes each filter about it.', filter, {
        'x-kubernetes-list-type': 'atomic',
        maxItems: 100,
      }),
    ),
    orLabelSelectors: optional(
      list('Takes only objects whose labels match at least one of these. Excludes labelSelector.', labelSelector('One of the selectors.'), {
        'x-kubernetes-list-type': 'atomic',
        maxItems: 100,
      }),
    ),
  };
}

const selection = object('', selectionFields(''));
export type Selection = Static<typeof selection>;

/** Everything that the schema does not see. */
export function selectionFaults(spec: Selection): readonly FieldError[] {
  return [
    ...pairFaults('Namespaces', spec.includedNamespaces, spec.excludedNamespaces, namespaceFault),
    ...pairFaults('Resources', spec.includedResources, spec.excludedResources, resourceFault),
    ...labelFaults(spec),
    ...(spec.filters ?? []).flatMap((filter, index) => filterFaults(`spec.filters[${index}]`, filter)),
  ];
}

function filterFaults(
  field: string,
  { resources, namespaces = [], includedNames = [], excludedNames = [] }: Filter,
): readonly FieldError[] {
  const isIdle = includedNames.length === 0 && excludedNames.length === 0;
  return [
    ...(resources.length === 0 ? [{ field: `${field}.resources`, type: 'Required value', detail: '' } as const] : []),
    ...(isIdle ? [{ field, type: 'Required value', detail: 'includedNames or excludedNames must be given' } as const] : []),
    ...listFaults(`${field}.resources`, resources, resourceFault),
    ...listFaults(`${field}.namespaces`, namespaces, namespaceFault),
    ...listFaults(`${field}.includedNames`, includedNames, nameFault),
    ...listFaults(`${field}.excludedNames`, excludedNames, nameFault),
  ];
}

/** Names a pattern may consist of; undefined where all is well. */
type PatternFault = (pattern: string) => string | undefined;

export const namespaceFault: PatternFault = (pattern) =>
  /^[a-z0-9*?]([-a-z0-9*?]{0,61}[a-z0-9*?])?$/.test(pattern)
    ? undefined
    : "must be the name of a namespace, or a pattern of lower case letters, digits, '-', '*' and '?'";

export const resourceFault: PatternFault = (pattern) =>
  /^[A-Za-z0-9*?]([-A-Za-z0-9*?]*)(\.[-A-Za-z0-9*?]+)*$/.test(pattern)
    ? undefined
    : "must name a resource, such as deployments or deployments.apps, or be a pattern with '*' and '?'";

/** As long as a name may be; some kinds allow nearly every character. */
export const nameFault: PatternFault = (pattern) =>
  /^[^/%]{1,253}$/.test(pattern) ? undefined : "must be a name or a pattern of 1 to 253 characters without '/' and '%'";

function pairFaults(
  what: 'Namespaces' | 'Resources',
  included: readonly string[] = [],
  excluded: readonly string[] = [],
  patternFault: PatternFault,
): readonly FieldError[] {
  const [inside, outside] = [`spec.included${what}`, `spec.excluded${what}`];
  const taken = new Set(included);
  return [
    ...listFaults(inside, included, patternFault),
    ...listFaults(outside, excluded, patternFault),
    ...included.flatMap((value, index) =>
      value === '*' && taken.size > 1 ? [invalidAt(inside, index, value, "must be the only entry, because '*' includes all others")] : [],
    ),
    ...excluded.flatMap((value, index) => {
      if (value === '*') return [invalidAt(outside, index, value, "must not be '*': nothing would be left")];
      return taken.has(value) ? [invalidAt(outside, index, value, `must not be in ${inside} as well`)] : [];
    }),
  ];
}

export function listFaults(field: string, values: readonly string[], patternFault: PatternFault): readonly FieldError[] {
  return values.flatMap((value, index): FieldError[] => {
    const detail = patternFault(value);
    if (detail !== undefined) return [invalidAt(field, index, value, detail)];
    return values.indexOf(value) < index ? [{ field: `${field}[${index}]`, type: 'Duplicate value', value, detail: '' }] : [];
  });
}

const invalidAt = (field: string, index: number, value: string, detail: string): FieldError => ({
  field: `${field}[${index}]`,
  type: 'Invalid value',
  value,
  detail,
});

function labelFaults({ labelSelector, orLabelSelectors = [] }: Selection): readonly FieldError[] {
  const both: readonly FieldError[] =
    labelSelector && orLabelSelectors.length > 0
      ? [{ field: 'spec.orLabelSelectors', type: 'Forbidden', detail: 'may not be used together with labelSelector' }]
      : [];
  return [
    ...both,
    ...(labelSelector ? labelSelectorFaults('spec.labelSelector', labelSelector) : []),
    ...orLabelSelectors.flatMap((selector, index) => labelSelectorFaults(`spec.orLabelSelectors[${index}]`, selector)),
  ];
}
