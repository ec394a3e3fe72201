/** What a kind declares. A kind is data and pure rules; verbs, watch, Table, discovery and OpenAPI follow from it. */
import type { FieldError, GroupResource } from './errors.ts';
import type { KubeObject } from './object.ts';
import type { Answer, Call, ResourceTarget } from './call.ts';
import type { AccessAttributes, User } from './user.ts';
import type { TSchema } from './schema.ts';

export interface ResourceDefinition {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  /** One or two sentences for `kubectl explain`. */
  readonly description: string;
  /** The top-level fields beside apiVersion, kind and metadata: usually spec and status. */
  readonly fields: Readonly<Record<string, TSchema>>;
  /** True: status is written through /status only, and generation counts the changes of everything else. */
  readonly statusSubresource: boolean;
  /** After Name, before Age; both are made for every kind. Those of priority 1 follow Age. */
  readonly columns: readonly Column[];
  /** What a field selector may name, beside metadata.name and metadata.namespace, as paths: `status.phase`. */
  readonly selectableFields: readonly string[];
  readonly subresources: readonly Subresource[];
  readonly rules: ResourceRules;
}

/** Pure: they see objects and who asks, and do no I/O. All are optional. */
export interface ResourceRules {
  /** Names are DNS-1123 subdomains where this is left out. */
  readonly nameForm?: 'subdomain' | 'label' | 'path';
  /** Completes a new object: finalizers, a first status, who made it. Runs after status was cleared and defaults were set. */
  readonly prepareForCreate?: (object: KubeObject, user: User) => KubeObject;
  /** Completes a change of the object or its status; puts back what only the server may write, which is the user kylonUser. */
  readonly prepareForUpdate?: (object: KubeObject, old: KubeObject, user: User) => KubeObject;
  /** What the schema cannot say. `old` is undefined on create. */
  readonly validate?: (object: KubeObject, old: KubeObject | undefined) => readonly FieldError[];
  /** A reason why nobody but Kylon itself may create or change this object (403), or undefined. */
  readonly refuseWrite?: (object: KubeObject) => string | undefined;
  /** A reason why this object may not be deleted now (403), or undefined. */
  readonly refuseDelete?: (object: KubeObject) => string | undefined;
  /** Rights that its creator needs, beside that of creating it here. */
  readonly rightsToCreate?: (object: KubeObject) => readonly AccessAttributes[];
  /** Rights that who changes it needs, beside that of changing it. */
  readonly rightsToUpdate?: (object: KubeObject, old: KubeObject) => readonly AccessAttributes[];
  /** What it names that has to be there, and stay, when it is created (422). */
  readonly references?: (object: KubeObject) => readonly Reference[];
  /** By whom it is used: as long as it is by any object, it may not be deleted (403). */
  readonly usedBy?: Users;
  /** A key whose existence lets this object be created though its namespace does not exist: it is what brings the namespace back. */
  readonly createsNamespace?: (
    object: KubeObject,
  ) => { readonly resource: string; readonly namespace: string; readonly name: string } | undefined;
  /** Which objects outlive their namespace: its controller does not see them, and they are there again when it is. None where left out. */
  readonly outlivesNamespace?: (object: KubeObject) => boolean;
}

/** A field, and the object of no namespace that it names. */
export interface Reference {
  readonly field: string;
  readonly resource: GroupResource;
  readonly name: string;
}

/** Objects of these kinds, of any namespace, may use an object. */
interface Users {
  readonly kinds: readonly { readonly kind: string; readonly resource: GroupResource }[];
  readonly uses: (user: KubeObject, used: KubeObject) => boolean;
}

export interface Column {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'date';
  readonly description: string;
  /** 0 is always shown, 1 with -o wide. */
  readonly priority?: 0 | 1;
  /** A path into the object such as `status.phase`, or a function of it. `date` cells show how far an RFC 3339 time lies from now. */
  readonly value: string | ((object: KubeObject) => string | number | boolean | undefined);
}

/** What lies under /NAME/subresource, apart from /status, which the machinery makes. */
export interface Subresource {
  /** As in the path: `download`. */
  readonly name: string;
  readonly verbs: readonly ('get' | 'create' | 'update' | 'delete')[];
  /** Of what it takes and gives, for discovery and OpenAPI; a kind of our own group. */
  readonly kind: string;
  readonly description: string;
  /** Query parameters, for OpenAPI. */
  readonly parameters: readonly { readonly name: string; readonly type: 'string' | 'integer' | 'boolean'; readonly description: string }[];
  /** What it answers, for OpenAPI: the kind itself, or bytes of another media type. */
  readonly produces: string;
  /** The top-level fields of its kind, beside apiVersion, kind and metadata, where that is none of the definitions. */
  readonly fields?: Readonly<Record<string, TSchema>>;
  /** Whether a path may follow: /NAME/items/KEY. */
  readonly subpath: boolean;
  /** The object exists and the caller may do this to it. `object` is as of now; `services` are those of Api, whatever the kind asks for. */
  readonly handle: (object: KubeObject, call: ResourceCall, services: unknown) => Promise<Answer>;
}

/** A call on a resource that exists. */
export interface ResourceCall extends Call {
  readonly resource: ResourceTarget;
  readonly definition: ResourceDefinition;
}

/** A subresource whose handler asks for services of type S; compose.ts answers for it that Api.services are such. */
export function defineSubresource<S>(
  given: Omit<Subresource, 'handle'> & { readonly handle: (object: KubeObject, call: ResourceCall, services: S) => Promise<Answer> },
): Subresource {
  return { ...given, handle: (object, call, services) => given.handle(object, call, services as S) };
}

/** A definition with everything left out filled in. */
export function defineResource(given: Given): ResourceDefinition {
  return {
    singular: given.kind.toLowerCase(),
    shortNames: [],
    categories: [],
    statusSubresource: false,
    columns: [],
    selectableFields: [],
    subresources: [],
    rules: {},
    ...given,
  };
}

type Needed = 'group' | 'version' | 'kind' | 'plural' | 'namespaced' | 'description' | 'fields';
type Given = Pick<ResourceDefinition, Needed> & Partial<Omit<ResourceDefinition, Needed>>;

/** `v1`, `backup.kylon.io/v1alpha1`. */
export function groupVersion({ group, version }: { group: string; version: string }): string {
  return group ? `${group}/${version}` : version;
}
