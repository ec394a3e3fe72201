/** The Status of each error: clients decide by its reason, then by its code, and people read its message. */
import { expect, it } from 'vitest';
import * as errors from '../../src/machinery/errors.ts';
import type { ApiError } from '../../src/machinery/errors.ts';

const things = { group: 'example.io', resource: 'things' };
const details = { name: 'x', group: 'example.io', kind: 'things' };
const modified = 'the object has been modified; please apply your changes to the latest version and try again';

it.each<[ApiError, number, string, string, object | undefined]>([
  [errors.badRequest('why'), 400, 'BadRequest', 'why', undefined],
  [errors.unauthorized(), 401, 'Unauthorized', 'Unauthorized', undefined],
  [errors.forbidden(things, 'x', 'why'), 403, 'Forbidden', 'things.example.io "x" is forbidden: why', details],
  [errors.notFound(things, 'x'), 404, 'NotFound', 'things.example.io "x" not found', details],
  [
    errors.notFound({ group: '', resource: 'namespaces' }, 'n'),
    404,
    'NotFound',
    'namespaces "n" not found',
    { name: 'n', kind: 'namespaces' },
  ],
  [errors.noSuchPath(), 404, 'NotFound', 'the server could not find the requested resource', {}],
  [
    errors.methodNotSupported(things, 'create'),
    405,
    'MethodNotAllowed',
    'create is not supported on resources of kind "things.example.io"',
    { group: 'example.io', kind: 'things' },
  ],
  [errors.notAcceptable(['a/b', 'c/d']), 406, 'NotAcceptable', 'only the following media types are accepted: a/b, c/d', undefined],
  [errors.alreadyExists(things, 'x'), 409, 'AlreadyExists', 'things.example.io "x" already exists', details],
  [errors.beingDeleted(things, 'x'), 409, 'AlreadyExists', 'object is being deleted: things.example.io "x" already exists', details],
  [errors.conflict(things, 'x'), 409, 'Conflict', `Operation cannot be fulfilled on things.example.io "x": ${modified}`, details],
  [errors.expired('too old'), 410, 'Expired', 'too old', undefined],
  [errors.tooLarge(3_145_728), 413, 'RequestEntityTooLarge', 'Request entity too large: limit is 3145728', undefined],
  [
    errors.unsupportedMediaType(['a/b']),
    415,
    'UnsupportedMediaType',
    'the body of the request was in an unknown format - accepted media types include: a/b',
    undefined,
  ],
  [
    errors.invalid({ group: 'example.io', kind: 'Thing' }, 'x', [
      { field: 'spec.a', type: 'Invalid value', value: 'b', detail: 'no' },
      { field: 'spec.b', type: 'Required value', detail: '' },
    ]),
    422,
    'Invalid',
    'Thing.example.io "x" is invalid: [spec.a: Invalid value: "b": no, spec.b: Required value]',
    {
      name: 'x',
      group: 'example.io',
      kind: 'Thing',
      causes: [
        { reason: 'FieldValueInvalid', message: 'Invalid value: "b": no', field: 'spec.a' },
        { reason: 'FieldValueRequired', message: 'Required value', field: 'spec.b' },
      ],
    },
  ],
  [errors.tooManyRequests(), 429, 'TooManyRequests', 'Too many requests, please try again later.', { retryAfterSeconds: 1 }],
  [errors.internal('why'), 500, 'InternalError', 'Internal error occurred: why', { causes: [{ reason: '', message: 'why' }] }],
  [errors.unavailable('down'), 503, 'ServiceUnavailable', 'down', { retryAfterSeconds: 1 }],
  [errors.timedOut('late'), 504, 'Timeout', 'Timeout: late', undefined],
  [
    errors.tooLargeResourceVersion(9, 5),
    504,
    'Timeout',
    'Timeout: Too large resource version: 9, current: 5',
    { causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }], retryAfterSeconds: 1 },
  ],
])('%s is %i %s', (error, code, reason, message, details) => {
  expect(error.toStatus()).toEqual({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason,
    ...(details && { details }),
    code,
  });
});

it('a list that has expired says how to go on', () => {
  expect(errors.expired('too old', 'token').toStatus().metadata).toEqual({ continue: 'token' });
});
