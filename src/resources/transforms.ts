/** spec.transforms of a Restore: its fields, and what can be wrong with them. */
import type { FieldError } from '../machinery/errors.ts';
import { anything, choice, list, object, open, optional, text } from '../machinery/schema.ts';
import type { Static } from '../machinery/schema.ts';
import { labelSelectorFaults } from './label-selector-faults.ts';
import {
  labelSelector,
  listFaults,
  nameFault,
  namePattern,
  names,
  namespaceFault,
  namespacePattern,
  resourceFault,
  resourcePattern,
} from './selection.ts';

const atomic = { 'x-kubernetes-list-type': 'atomic', maxItems: 100 } as const;

const condition = object('A value that an object must have.', {
  path: text('Where, as a JSON pointer (RFC 6901) such as /spec/replicas.'),
  value: anything('The value. Null, or left out: there is none.'),
});

const match = object('Which objects are changed: those for which all of this holds. Default: all.', {
  resources: names('Resources that are changed. Default: all.', resourcePattern),
  namespaces: names('Namespaces in which objects lay when they were saved. Default: all, and what lies in none.', namespacePattern),
  names: names('Names of objects. Default: all.', namePattern),
  labelSelector: optional(labelSelector('Labels that objects had when they were saved.')),
  matches: optional(
    list('Values that an object must have by now, changed as it may be by mappings and the transforms before.', condition, atomic),
  ),
});

const patch = object('One operation of a JSON patch (RFC 6902).', {
  op: choice('What is done.', ['add', 'remove', 'replace', 'move', 'copy', 'test']),
  path: text('Where, as a JSON pointer (RFC 6901) such as /metadata/labels/app.'),
  from: optional(text('From where, for move and copy only.')),
  value: optional(anything('What is put there, or must be there, for add, replace and test.')),
});

const transform = object('One change. It has patches or a mergePatch.', {
  match: optional(match),
  patches: optional(list('A JSON patch: its operations are done one after the other, all or none.', patch, atomic)),
  mergePatch: optional(open('A JSON merge patch (RFC 7386): fields that are to be set; null removes one.')),
});

export type TransformSpec = Static<typeof transform>;

export const transforms = optional(
  list(
    'Changes in objects before they are written, behind everything else that a restore changes, one after the other. None may change what an object is: apiVersion, kind, metadata.name, metadata.namespace. Where a patch does not fit an object, that object is not restored.',
    transform,
    atomic,
  ),
);

/** Everything that the schema does not see. */
export function transformFaults(specs: readonly TransformSpec[] = []): readonly FieldError[] {
  return specs.flatMap((spec, index) => {
    const field = `spec.transforms[${index}]`;
    const { match, patches, mergePatch } = spec;
    return [
      ...kindFaults(field, spec),
      ...(match ? matchFaults(`${field}.match`, match) : []),
      ...(patches ?? []).flatMap((one, at) => patchFaults(`${field}.patches[${at}]`, one)),
      ...(mergePatch ? mergeFaults(`${field}.mergePatch`, mergePatch) : []),
    ];
  });
}

function kindFaults(field: string, { patches, mergePatch }: TransformSpec): readonly FieldError[] {
  if (patches?.length && mergePatch) return [forbidden(`${field}.mergePatch`, 'may not be used together with patches')];
  return patches?.length || mergePatch ? [] : [{ field, type: 'Required value', detail: 'patches or mergePatch must be given' }];
}

function matchFaults(field: string, { resources = [], namespaces = [], names = [], labelSelector, matches = [] }: Static<typeof match>) {
  return [
    ...listFaults(`${field}.resources`, resources, resourceFault),
    ...listFaults(`${field}.namespaces`, namespaces, namespaceFault),
    ...listFaults(`${field}.names`, names, nameFault),
    ...(labelSelector ? labelSelectorFaults(`${field}.labelSelector`, labelSelector) : []),
    ...matches.flatMap(({ path }, index) => pointerFaults(`${field}.matches[${index}].path`, path)),
  ];
}

function patchFaults(field: string, one: Static<typeof patch>): readonly FieldError[] {
  const { op, path } = one;
  const takesValue = op === 'add' || op === 'replace' || op === 'test';
  return [
    ...pointerFaults(`${field}.path`, path),
    ...(op === 'test' ? [] : identityFaults(`${field}.path`, path)),
    ...fromFaults(`${field}.from`, one),
    ...(takesValue && !Object.hasOwn(one, 'value') ? [required(`${field}.value`, `must be given for ${op}`)] : []),
  ];
}

function fromFaults(field: string, { op, from }: Static<typeof patch>): readonly FieldError[] {
  const takesFrom = op === 'move' || op === 'copy';
  if (from === undefined) return takesFrom ? [required(field, `must be given for ${op}`)] : [];
  if (!takesFrom) return [forbidden(field, 'may be given for move and copy only')];
  return [...pointerFaults(field, from), ...(op === 'move' ? identityFaults(field, from) : [])];
}

const pointerFaults = (field: string, value: string): readonly FieldError[] =>
  /^(\/([^~/]|~[01])*)*$/.test(value)
    ? []
    : [
        {
          field,
          type: 'Invalid value',
          value,
          detail: "must be a JSON pointer: parts that each begin with '/', in which '~' is written ~0 and '/' ~1",
        },
      ];

/** What makes an object the one that it is. */
const identity = ['/apiVersion', '/kind', '/metadata/name', '/metadata/namespace'];

/** A pointer to it, or to what it lies in. */
const identityFaults = (field: string, pointer: string): readonly FieldError[] =>
  identity.some((path) => path === pointer || path.startsWith(`${pointer}/`)) ? [forbidden(field, unchangeable)] : [];

function mergeFaults(field: string, merge: Readonly<Record<string, unknown>>): readonly FieldError[] {
  const metadata = Object.hasOwn(merge, 'metadata') ? merge['metadata'] : {};
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) return [forbidden(`${field}.metadata`, unchangeable)];
  const of = (owner: object, names: readonly string[], at: string) =>
    names.filter((name) => Object.hasOwn(owner, name)).map((name) => forbidden(`${at}.${name}`, unchangeable));
  return [...of(merge, ['apiVersion', 'kind'], field), ...of(metadata, ['name', 'namespace'], `${field}.metadata`)];
}

const unchangeable = 'a transform may not change what an object is: apiVersion, kind, metadata.name, metadata.namespace';

const required = (field: string, detail: string): FieldError => ({ field, type: 'Required value', detail });
const forbidden = (field: string, detail: string): FieldError => ({ field, type: 'Forbidden', detail });
