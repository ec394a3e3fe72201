/** The rules of metadata, and their words. https://github.com/kubernetes/apimachinery/blob/master/pkg/api/validation/objectmeta.go */
import type { FieldError } from '../errors.ts';
import { labelNameFaults, labelValueFaults, pathNameFaults, qualifiedNameFaults, subdomainFaults } from './names.ts';
import type { ObjectMeta, OwnerReference } from '../object.ts';
import type { ResourceRules } from '../resource.ts';

/** Keys and values of all annotations together, in bytes. */
const maxAnnotations = 256 * 1024;

const nameRules = { subdomain: subdomainFaults, label: labelNameFaults, path: pathNameFaults } as const;

/** What may be wrong with a new object's name. A dash at the end of generateName is none at the end of the name. */
export function nameFaults(metadata: ObjectMeta, form: ResourceRules['nameForm'] = 'subdomain'): readonly FieldError[] {
  const { name, generateName } = metadata;
  const rule = nameRules[form];
  if (!name) return [{ field: 'metadata.name', type: 'Required value', detail: 'name or generateName is required' }];
  return [
    ...(generateName ? faultsAt('metadata.generateName', generateName, rule(generateName.replace(/[^]-$/, 'a'))) : []),
    ...faultsAt('metadata.name', name, rule(name)),
  ];
}

/** What may be wrong with what clients set; `old` is undefined for a new object. */
export function metadataFaults(metadata: ObjectMeta, old: ObjectMeta | undefined): readonly FieldError[] {
  return [
    ...labelFaults(metadata.labels ?? {}),
    ...annotationFaults(metadata.annotations ?? {}),
    ...finalizerFaults(metadata.finalizers ?? [], old),
    ...ownerFaults(metadata.ownerReferences ?? []),
  ];
}

function labelFaults(labels: Readonly<Record<string, string>>): readonly FieldError[] {
  const field = 'metadata.labels';
  return Object.entries(labels).flatMap(([key, value]) => [
    ...faultsAt(field, key, qualifiedNameFaults(key)),
    ...faultsAt(field, value, labelValueFaults(value)),
  ]);
}

function annotationFaults(annotations: Readonly<Record<string, string>>): readonly FieldError[] {
  const field = 'metadata.annotations';
  const entries = Object.entries(annotations);
  const size = entries.reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0);
  return [
    ...entries.flatMap(([key]) => faultsAt(field, key, qualifiedNameFaults(key.toLowerCase()))),
    ...(size > maxAnnotations ? [{ field, type: 'Too long', detail: `may not be more than ${maxAnnotations} bytes` } as const] : []),
  ];
}

function finalizerFaults(finalizers: readonly string[], old: ObjectMeta | undefined): readonly FieldError[] {
  const field = 'metadata.finalizers';
  const added = old?.deletionTimestamp ? finalizers.filter((finalizer) => !old.finalizers?.includes(finalizer)) : [];
  const forms = finalizers.flatMap((finalizer) => faultsAt(field, finalizer, qualifiedNameFaults(finalizer)));
  const both = finalizers.includes('orphan') && finalizers.includes('foregroundDeletion');
  return [
    ...forms,
    ...(both ? faultsAt(field, finalizers, ['finalizer orphan and foregroundDeletion cannot be both set']) : []),
    ...(added.length > 0 ? [lateFinalizers(field, added)] : []),
  ];
}

function lateFinalizers(field: string, added: readonly string[]): FieldError {
  const names = added.map((name) => JSON.stringify(name)).join(', ');
  const detail = `no new finalizers can be added if the object is being deleted, found new finalizers []string{${names}}`;
  return { field, type: 'Forbidden', detail };
}

function ownerFaults(owners: readonly OwnerReference[]): readonly FieldError[] {
  const field = 'metadata.ownerReferences';
  const managers = owners.filter(({ controller }) => controller);
  const [first, second] = managers.map(({ kind, name }) => `${kind}/${name}`);
  const detail = `Only one reference can have Controller set to true. Found "true" in references for ${first} and ${second}`;
  return [...owners.flatMap((owner) => incomplete(owner, field)), ...(managers.length > 1 ? faultsAt(field, owners, [detail]) : [])];
}

/** A client may have left out any of them. */
function incomplete(owner: Partial<OwnerReference>, field: string): readonly FieldError[] {
  return [
    ...(/^([^/]+\/)?[^/]+$/.test(owner.apiVersion ?? '')
      ? []
      : faultsAt(`${field}.apiVersion`, owner.apiVersion ?? '', ['version must not be empty'])),
    ...(['kind', 'name', 'uid'] as const)
      .filter((part) => !owner[part])
      .flatMap((part) => faultsAt(`${field}.${part}`, owner[part] ?? '', ['must not be empty'])),
    ...(owner.apiVersion === 'v1' && owner.kind === 'Event'
      ? faultsAt(field, owner, ['/v1, Kind=Event is disallowed from being an owner'])
      : []),
  ];
}

function faultsAt(field: string, value: unknown, details: readonly string[]): readonly FieldError[] {
  return details.map((detail) => ({ field, type: 'Invalid value', value, detail }));
}
