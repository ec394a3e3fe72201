/** Requests that are wrong in one way each, and the Status that says so. `good` is a finished Backup in the namespace default. */
import { apiVersion, path } from './objects.ts';

export const json = { 'content-type': 'application/json' };
export const badBackup = (spec: unknown, more: object = {}) =>
  JSON.stringify({ apiVersion, kind: 'Backup', metadata: { name: 'bad' }, spec, ...more });
export const list = path('default', 'backups');

export interface BadRequest {
  readonly what: string;
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
  readonly code: number;
  readonly reason: string;
  readonly message: RegExp;
}
const strict = `${list}?fieldValidation=Strict`;
export const badRequests: readonly BadRequest[] = [
  {
    what: 'an unknown field',
    path: strict,
    body: badBackup({ includedNamespace: ['default'] }),
    code: 400,
    reason: 'BadRequest',
    message: /unknown field "spec\.includedNamespace"/,
  },
  {
    what: 'an unknown field at the top',
    path: strict,
    body: badBackup({}, { sepc: {} }),
    code: 400,
    reason: 'BadRequest',
    message: /unknown field "sepc"/,
  },
  {
    what: 'a field given twice',
    path: strict,
    body: `{"apiVersion":"${apiVersion}","kind":"Backup","metadata":{"name":"bad"},"spec":{"ttl":"1h","ttl":"2h"}}`,
    code: 400,
    reason: 'BadRequest',
    message: /duplicate field "spec\.ttl"/,
  },
  {
    what: 'a string for a list',
    body: badBackup({ includedNamespaces: 'default' }),
    code: 422,
    reason: 'Invalid',
    message: /spec\.includedNamespaces: Invalid value: "string": .*must be of type array/,
  },
  {
    what: 'a number for a string',
    body: badBackup({ ttl: 5 }),
    code: 422,
    reason: 'Invalid',
    message: /spec\.ttl: Invalid value: "(integer|number)": .*must be of type string/,
  },
  {
    what: 'a number in a list of strings',
    body: badBackup({ includedResources: ['configmaps', 7] }),
    code: 422,
    reason: 'Invalid',
    message: /spec\.includedResources\[1\]: Invalid value/,
  },
  { what: 'a list for an object', body: badBackup([]), code: 422, reason: 'Invalid', message: /spec: Invalid value: "array"/ },
  {
    what: 'a duration that is none',
    body: badBackup({ ttl: 'a while' }),
    code: 422,
    reason: 'Invalid',
    message: /spec\.ttl: Invalid value: "a while"/,
  },
  {
    what: 'an operator that is none',
    body: badBackup({ labelSelector: { matchExpressions: [{ key: 'app', operator: 'Like', values: ['x'] }] } }),
    code: 422,
    reason: 'Invalid',
    message: /spec\.labelSelector\.matchExpressions\[0\]\.operator/,
  },
  {
    what: 'In without values',
    body: badBackup({ labelSelector: { matchExpressions: [{ key: 'app', operator: 'In' }] } }),
    code: 422,
    reason: 'Invalid',
    message: /spec\.labelSelector\.matchExpressions\[0\]\.values/,
  },
  {
    what: 'a label key that is none',
    body: badBackup({ labelSelector: { matchLabels: { 'a b': 'c' } } }),
    code: 422,
    reason: 'Invalid',
    message: /spec\.labelSelector\.matchLabels/,
  },
  {
    what: 'a name that is none',
    body: badBackup({}, { metadata: { name: 'Not_A_Name' } }),
    code: 422,
    reason: 'Invalid',
    message: /metadata\.name: Invalid value: "Not_A_Name"/,
  },
  { what: 'no name', body: badBackup({}, { metadata: {} }), code: 422, reason: 'Invalid', message: /name or generateName is required/ },
  {
    what: 'another namespace than that of the path',
    body: badBackup({}, { metadata: { name: 'bad', namespace: 'other' } }),
    code: 400,
    reason: 'BadRequest',
    message: /the namespace of the provided object does not match/,
  },
  {
    what: 'another version',
    body: badBackup({}, { apiVersion: 'backup.kylon.io/v9' }),
    code: 400,
    reason: 'BadRequest',
    message: /does not match the expected API version/,
  },
  {
    what: 'a namespace that does not exist',
    path: path('nowhere', 'backups'),
    body: badBackup({}),
    code: 404,
    reason: 'NotFound',
    message: /^namespaces "nowhere" not found$/,
  },
  { what: 'broken JSON', body: '{"apiVersion": "', code: 400, reason: 'BadRequest', message: /JSON/i },
  { what: 'JSON that is no object', body: '[1]', code: 400, reason: 'BadRequest', message: /object/ },
  { what: 'an empty body', body: '', code: 400, reason: 'BadRequest', message: /./ },
  { what: 'bytes that are not UTF-8 text', body: '\u0000\u0001', code: 400, reason: 'BadRequest', message: /./ },
  {
    what: 'a body of 4 MiB',
    body: badBackup({}, { pad: 'x'.repeat(4 << 20) }),
    code: 413,
    reason: 'RequestEntityTooLarge',
    message: /limit is 3145728/,
  },
  {
    what: 'a media type that is none of ours',
    body: 'hello',
    headers: { 'content-type': 'text/plain' },
    code: 415,
    reason: 'UnsupportedMediaType',
    message: /accepted media types include: application\/json/,
  },
  {
    what: 'an Accept that nothing meets',
    method: 'GET',
    headers: { accept: 'image/png' },
    code: 406,
    reason: 'NotAcceptable',
    message: /only the following media types are accepted/,
  },
  {
    what: 'a malformed label selector',
    method: 'GET',
    path: `${list}?labelSelector=a%20in%20(b`,
    code: 400,
    reason: 'BadRequest',
    message: /unable to parse requirement|couldn't parse the selector|labelSelector/,
  },
  {
    what: 'a field selector of an unknown field',
    method: 'GET',
    path: `${list}?fieldSelector=spec.foo%3D1`,
    code: 400,
    reason: 'BadRequest',
    message: /"spec\.foo"/,
  },
  {
    what: 'a limit that is no number',
    method: 'GET',
    path: `${list}?limit=many`,
    code: 400,
    reason: 'BadRequest',
    message: /limit|many/,
  },
  {
    what: 'a continue token that we never gave',
    method: 'GET',
    path: `${list}?limit=1&continue=garbage`,
    code: 400,
    reason: 'BadRequest',
    message: /continue/,
  },
  {
    what: 'a resourceVersion that is none',
    method: 'GET',
    path: `${list}?resourceVersion=-1`,
    code: 400,
    reason: 'BadRequest',
    message: /resource ?[vV]ersion/,
  },
  {
    what: 'a dryRun that is none',
    path: `${list}?dryRun=Some`,
    body: badBackup({}),
    code: 422,
    reason: 'Invalid',
    message: /dryRun: Unsupported value: "Some"/,
  },
  { what: 'PUT on the collection', method: 'PUT', body: badBackup({}), code: 405, reason: 'MethodNotAllowed', message: /./ },
  { what: 'a subresource that is none', method: 'GET', path: `${list}/good/nothing`, code: 404, reason: 'NotFound', message: /./ },
  {
    what: 'an item that the backup does not hold',
    method: 'GET',
    path: `${list}/good/items/core/configmaps/default/none`,
    code: 404,
    reason: 'NotFound',
    message: /none/,
  },
  {
    what: 'a Restore of a backup that does not exist',
    path: path('default', 'restores'),
    body: JSON.stringify({ apiVersion, kind: 'Restore', metadata: { name: 'bad' }, spec: {} }),
    code: 422,
    reason: 'Invalid',
    message: /spec\.backupName: Required value/,
  },
  {
    what: 'a JSON patch that is none',
    method: 'PATCH',
    path: `${list}/good`,
    headers: { 'content-type': 'application/json-patch+json' },
    body: '[{"op":"jump"}]',
    code: 400,
    reason: 'BadRequest',
    message: /./,
  },
  {
    what: 'a JSON patch of what is not there',
    method: 'PATCH',
    path: `${list}/good`,
    headers: { 'content-type': 'application/json-patch+json' },
    body: '[{"op":"remove","path":"/spec/nothing"}]',
    code: 422,
    reason: 'Invalid',
    message: /./,
  },
  {
    what: 'a strategic merge patch',
    method: 'PATCH',
    path: `${list}/good`,
    headers: { 'content-type': 'application/strategic-merge-patch+json' },
    body: '{}',
    code: 415,
    reason: 'UnsupportedMediaType',
    message: /application\/merge-patch\+json/,
  },
];
