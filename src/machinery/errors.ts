/**
 * Every error that a client may see, as the metav1.Status that Kubernetes would send.
 * Wording: https://github.com/kubernetes/apimachinery/blob/master/pkg/api/errors/errors.go
 */
import { textExactly } from '../base/exact-json.ts';

export interface StatusCause {
  reason: string;
  message: string;
  field?: string;
}

export interface StatusDetails {
  name?: string;
  group?: string;
  /** The resource (plural), or the kind where the error is about the content of an object. */
  kind?: string;
  uid?: string;
  causes?: StatusCause[];
  retryAfterSeconds?: number;
}

export interface Status {
  kind: 'Status';
  apiVersion: 'v1';
  metadata: { continue?: string };
  status: 'Success' | 'Failure';
  message?: string;
  reason?: string;
  details?: StatusDetails;
  code?: number;
}

/** A resource as messages name it. */
export interface GroupResource {
  readonly group: string;
  /** The plural. */
  readonly resource: string;
}

/** One thing wrong with one field of an object; the reasons are those of k8s.io/apimachinery/pkg/util/validation/field. */
export interface FieldError {
  /** As `spec.items[0].name` or `metadata.labels[app]`. */
  readonly field: string;
  readonly type:
    | 'Required value'
    | 'Invalid value'
    | 'Unsupported value'
    | 'Forbidden'
    | 'Duplicate value'
    | 'Too long'
    | 'Too many'
    | 'Not found';
  /** The value at fault, for those types that show it. */
  readonly value?: unknown;
  readonly detail: string;
}

export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: number;
  readonly reason: string;
  readonly details: StatusDetails | undefined;
  /** A fresh token for the rest of a list, on 410 only. */
  readonly continueToken: string | undefined;

  constructor(
    code: number,
    reason: string,
    message: string,
    details?: StatusDetails,
    options: { cause?: unknown; continueToken?: string } = {},
  ) {
    super(message, { cause: options.cause });
    this.code = code;
    this.reason = reason;
    this.details = details;
    this.continueToken = options.continueToken;
  }

  toStatus(): Status {
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: this.continueToken ? { continue: this.continueToken } : {},
      status: 'Failure',
      message: this.message,
      ...(this.reason && { reason: this.reason }),
      ...(this.details && { details: this.details }),
      code: this.code,
    };
  }
}

/** `things.example.io`, or `things` in the core group. */
export function qualified({ group, resource }: GroupResource): string {
  return group ? `${resource}.${group}` : resource;
}

export const badRequest = (message: string, cause?: unknown) => new ApiError(400, 'BadRequest', message, undefined, { cause });

export const unauthorized = () => new ApiError(401, 'Unauthorized', 'Unauthorized');

export const forbidden = (what: GroupResource, name: string, why: string, causes?: StatusCause[]) =>
  new ApiError(403, 'Forbidden', `${subject(what, name)} is forbidden: ${why}`, { ...detailsOf(what, name), ...(causes && { causes }) });

export const forbiddenPath = (user: string, verb: string, path: string, why = '') =>
  new ApiError(403, 'Forbidden', `forbidden: User ${quote(user)} cannot ${verb} path ${quote(path)}${why && `: ${why}`}`, {});

export const notFound = (what: GroupResource, name: string) =>
  new ApiError(404, 'NotFound', `${subject(what, name)} not found`, detailsOf(what, name));

/** For paths that name no resource of ours. */
export const noSuchPath = () => new ApiError(404, 'NotFound', 'the server could not find the requested resource', {});

export const methodNotSupported = (what: GroupResource, verb: string) =>
  new ApiError(405, 'MethodNotAllowed', `${verb} is not supported on resources of kind "${qualified(what)}"`, detailsOf(what));

export const methodNotAllowed = () =>
  new ApiError(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource');

export const notAcceptable = (types: readonly string[]) =>
  new ApiError(406, 'NotAcceptable', `only the following media types are accepted: ${types.join(', ')}`);

export const alreadyExists = (what: GroupResource, name: string) =>
  new ApiError(409, 'AlreadyExists', `${subject(what, name)} already exists`, detailsOf(what, name));

/** Somebody still goes by that name, though not for long. */
export const beingDeleted = (what: GroupResource, name: string) =>
  new ApiError(409, 'AlreadyExists', `object is being deleted: ${subject(what, name)} already exists`, detailsOf(what, name));

export const conflict = (
  what: GroupResource,
  name: string,
  why = 'the object has been modified; please apply your changes to the latest version and try again',
) => new ApiError(409, 'Conflict', `Operation cannot be fulfilled on ${subject(what, name)}: ${why}`, detailsOf(what, name));

export const expired = (message: string, continueToken?: string) =>
  new ApiError(410, 'Expired', message, undefined, continueToken === undefined ? {} : { continueToken });

export const tooLarge = (limit: number) => new ApiError(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${limit}`);

export const objectTooLarge = (bytes: number, limit: number) =>
  new ApiError(413, 'RequestEntityTooLarge', `the object is too large: ${bytes} bytes, the limit is ${limit}`);

export const unsupportedMediaType = (accepted: readonly string[]) =>
  new ApiError(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
  );

/** 416 has no reason of its own in Kubernetes. `size` is the length of what was asked for, in bytes. */
export const rangeNotSatisfiable = (asked: string, size: number) =>
  new ApiError(416, 'BadRequest', `the range ${quote(asked)} lies outside of the ${size} bytes that there are`);

/** What is wrong with an object, every fault at once. `what.kind` is the kind in CamelCase. */
export function invalid(what: { group: string; kind: string }, name: string, faults: readonly FieldError[]): ApiError {
  const texts = faults.map((fault) => `${fault.field}: ${textOf(fault)}`);
  const message = texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`;
  const title = what.group ? `${what.kind}.${what.group}` : what.kind;
  return new ApiError(422, 'Invalid', `${title} ${quote(name)} is invalid: ${message}`, {
    ...(name && { name }),
    ...(what.group && { group: what.group }),
    kind: what.kind,
    causes: faults.map((fault) => ({ reason: causeReasons[fault.type], message: textOf(fault), field: fault.field })),
  });
}

export const tooManyRequests = () =>
  new ApiError(429, 'TooManyRequests', 'Too many requests, please try again later.', { retryAfterSeconds: 1 });

export const internal = (message: string, cause?: unknown) =>
  new ApiError(500, 'InternalError', `Internal error occurred: ${message}`, { causes: [{ reason: '', message }] }, { cause });

/** Nothing was done; the client may simply try again. */
export const unavailable = (message: string, cause?: unknown) =>
  new ApiError(503, 'ServiceUnavailable', message, { retryAfterSeconds: 1 }, { cause });

/** Nobody knows yet what will be served. */
export const notYetServed = () => {
  const message = 'the request has been made before all known HTTP paths have been installed, please try again';
  return new ApiError(503, 'ServiceUnavailable', message, { retryAfterSeconds: 5 });
};

/** The outcome of a write is unknown: it may have been done. */
export const timedOut = (message: string, cause?: unknown) => new ApiError(504, 'Timeout', `Timeout: ${message}`, undefined, { cause });

export const tooLargeResourceVersion = (asked: number, current: number) =>
  new ApiError(504, 'Timeout', `Timeout: Too large resource version: ${asked}, current: ${current}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  });

export function success(details: StatusDetails): Status {
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details };
}

/** Go's %q for what stands in names and paths. */
export const quote = (text: string) => JSON.stringify(text);

const causeReasons: Record<FieldError['type'], string> = {
  'Required value': 'FieldValueRequired',
  'Invalid value': 'FieldValueInvalid',
  'Unsupported value': 'FieldValueNotSupported',
  Forbidden: 'FieldValueForbidden',
  'Duplicate value': 'FieldValueDuplicate',
  'Too long': 'FieldValueTooLong',
  'Too many': 'FieldValueTooMany',
  'Not found': 'FieldValueNotFound',
};

const valueless = new Set<FieldError['type']>(['Required value', 'Forbidden', 'Too long', 'Too many']);

function textOf({ type, value, detail }: FieldError): string {
  const shown = valueless.has(type) ? type : `${type}: ${value === undefined ? 'null' : textExactly(value)}`;
  return detail ? `${shown}: ${detail}` : shown;
}

const subject = (what: GroupResource, name: string) => (name ? `${qualified(what)} ${quote(name)}` : qualified(what));

const detailsOf = ({ group, resource }: GroupResource, name?: string): StatusDetails => ({
  ...(name && { name }),
  ...(group && { group }),
  kind: resource,
});
