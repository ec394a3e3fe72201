/** What has broken servers before, and what Kubernetes gives a meaning to. */

/** Cases that have one namespace together: what they do to it harms no others. */
export const stretch = 2000;
export const groundOf = (number: number): string => `fuzz-${Math.floor(number / stretch)}`;
/** Of somebody else: no answer to the limited user may come from there. */
export const foreign = 'fuzz-foreign';
/** Stands in every object of the foreign namespace, and in no request. */
export const canary = 'canary-5d1c';

export const objectNames = ['a', 'b', 'c', 'd', 'e', 'f'];

const long = 'x'.repeat(300);

// prettier-ignore
export const texts = [
  '', ' ', 'a', 'A', '-', '.', '..', '...', '*', '%', '/', '//', '\\', '\0', '\n', '\t', '\r\n', '"', "'", '`', '<script>', '${x}', '{{x}}',
  'null', 'undefined', 'true', 'false', 'NaN', '0', '-1', '1e400', '9007199254740993', '18446744073709551616', '-9223372036854775809',
  '__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf', 'length',
  'é', '日本語', '\u202e', '\ufeff', '\ud83d\ude00', 'ﬀ', 'İ', '\u0000a', 'a\u0000b', '%00', '%2f', '%252f', '%c0%af', '../../etc/passwd',
  ';ls', '$(ls)', '|', ',', '=', '==', '!=', 'a=b', 'a!=b', 'a in (b)', '()', '((', '!', ':', '::', '@', '#', '?', '&', '+',
  'default', 'kube-system', 'shop', 'fuzz', 'namespaces', 'watch', 'proxy', 'status', 'scale', 'all', 'All', 'Orphan', 'Background',
  'system:masters', 'system:anonymous', 'system:serviceaccount:a:b', '2026-11-25T00:00:00Z', '-999999999-01-01T00:00:00Z', 'PT1H', '1h', '-1h',
  '1h1h1h', '9999999999999h', 'application/json', '*/*', 'metadata.name', 'metadata.name=a', 'metadata.namespace=fuzz', long, long.repeat(30),
] as const;

// prettier-ignore
export const segments = [
  'api', 'apis', 'v1', 'v1alpha1', 'v2', 'backup.kylon.io', 'apps', 'namespaces', 'backups', 'restores', 'configmaps', 'secrets', 'deployments',
  'events', 'watch', 'status', 'download', 'items', 'log', 'results', 'restore', 'proxy', 'finalize', 'scale', 'openapi', 'v3', 'livez', 'metrics',
  'core', 'a', 'good', 'constructor', '__proto__', 'toString',
] as const;

/** Each with values that it knows, or nearly. */
// prettier-ignore
export const parameters: Readonly<Record<string, readonly string[]>> = {
  limit: ['0', '1', '2', '500', '-1', '1.5', '1e9', '9223372036854775807', '9223372036854775808', 'x'],
  continue: ['x', 'eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MSwic3RhcnQiOiIifQ', 'bnVsbA', 'W10', 'e30', 'eyJydiI6MX0'],
  resourceVersion: ['', '0', '1', '2', '10', '-1', '00', '1.0', '99999999', '9007199254740993', 'x'],
  resourceVersionMatch: ['', 'Exact', 'NotOlderThan', 'exact', 'x'],
  labelSelector: ['', 'a', '!a', 'a=b', 'a==b', 'a!=b', 'a in (b,c)', 'a notin ()', 'a in (', 'a>1', 'a<x', ',', 'a=b,', 'a b', '(', 'x/y/z=1'],
  fieldSelector: ['', 'metadata.name=a', 'metadata.name!=a', 'metadata.namespace=fuzz', 'metadata.name=', 'metadata.name=..', 'spec.x=1', '=', ',', 'status.phase=Completed', 'metadata.name=a\\', 'metadata.name=%'],
  watch: ['', '0', '1', 'true', 'false', 'TRUE', 'x'],
  allowWatchBookmarks: ['true', 'x', ''],
  sendInitialEvents: ['true', 'false', 'x', ''],
  timeoutSeconds: ['0', '1', '-1', 'x', '99999999999'],
  timeout: ['1s', '0', '-1s', '32s', 'x', '1000000h', ''],
  dryRun: ['All', '', 'all', 'x', 'All,All'],
  fieldManager: ['kubectl', '', 'x'.repeat(128), 'x'.repeat(129), '\u0001', 'é'],
  fieldValidation: ['Strict', 'Warn', 'Ignore', '', 'strict'],
  force: ['true', 'false', 'x'],
  propagationPolicy: ['Orphan', 'Background', 'Foreground', '', 'x'],
  gracePeriodSeconds: ['0', '1', '-1', 'x', '99999999999'],
  orphanDependents: ['true', 'false', 'x'],
  pretty: ['true', 'false', '1', '', 'x'],
  includeObject: ['None', 'Metadata', 'Object', 'x'],
  verbose: ['', 'true'],
  exclude: ['ping', 'x', ''],
  tailLines: ['0', '1', '-1', 'x', '999999999999'],
  sinceTime: ['2026-11-25T00:00:00Z', 'x', ''],
  timestamps: ['true', 'x'],
  hash: ['', 'x'],
  namespace: ['fuzz', 'x', ''],
  name: ['a', '..', ''],
};

const table = 'application/json;as=Table;v=v1;g=meta.k8s.io';
const discovery = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

// prettier-ignore
export const headerValues: Readonly<Record<string, readonly string[]>> = {
  Accept: [
    'application/json', '*/*', '', 'application/yaml', `${table},application/json`, table, discovery, `${discovery},application/json`, 'text/html', 'image/png',
    'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io', 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io', 'application/json;as=Table;v=v9;g=x',
    'application/vnd.kubernetes.protobuf', 'application/vnd.kubernetes.protobuf,application/json', 'application/cbor', 'application/json;q=0', 'application/*', '*', ';', ',,,', '/',
    'application/json;q=x', 'application/json;q=2', 'application/json;stream=watch', 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf', 'a/b;'.repeat(500),
  ],
  'Content-Type': [
    'application/json', 'application/yaml', 'application/json; charset=utf-8', 'application/json;charset=latin1', 'APPLICATION/JSON', '', 'text/plain', 'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x', 'application/merge-patch+json', 'application/json-patch+json', 'application/strategic-merge-patch+json', 'application/apply-patch+yaml', 'application/apply-patch+cbor',
    'application/vnd.kubernetes.protobuf', 'application/cbor', 'application', '/', ';', 'application/json, application/json', 'application/json;;;;', '__proto__', 'constructor',
  ],
  'Accept-Encoding': ['gzip', 'gzip, br', 'identity', '*', 'gzip;q=0', 'x', ''],
  'Content-Encoding': ['gzip', 'identity', 'x'],
  Range: ['bytes=0-0', 'bytes=0-', 'bytes=-1', 'bytes=5-1', 'bytes=999999999999-', 'bytes=0-0,2-3', 'bytes=', 'x', 'bytes=-', 'bytes=-99999999999999999999'],
  'If-None-Match': ['*', '"x"', 'W/"x"', 'x', '"'],
  'If-Match': ['*', '"x"'],
  'If-Modified-Since': ['Wed, 21 Oct 2015 07:28:00 GMT', 'x'],
  'User-Agent': ['kubectl/v1.32.4', 'curl/8', 'Mozilla/5.0', '', 'Wget/1', '__proto__', 'x'.repeat(3000)],
  Authorization: ['Bearer x', 'Bearer ', 'bearer x', 'Basic YTpi', 'x', 'Bearer a.b.c', 'Bearer \u00e9'],
  'Impersonate-User': ['alice', '', 'system:anonymous', 'system:serviceaccount:default:default', 'system:serviceaccount:x', 'j\u00c3\u00bcrgen', '\u00ff'],
  'Impersonate-Group': ['system:masters', 'system:authenticated', '', 'a, b'],
  'Impersonate-Uid': ['1', ''],
  'Impersonate-Extra-Scopes': ['view', ''],
  'Impersonate-Extra-%': ['x'],
  'Impersonate-Extra-A%2fB': ['x'],
  'X-Remote-User': ['admin', 'system:kube-aggregator', ''],
  'X-Remote-Group': ['system:masters'],
  'X-Remote-Extra-%zz': ['x'],
  'X-Forwarded-For': ['1.2.3.4', 'x', ',,,', '::1'],
  'X-Forwarded-Proto': ['http'],
  'X-HTTP-Method-Override': ['DELETE', 'x'],
  'Audit-ID': ['x', '', 'a b', '\u00e9', 'x'.repeat(500)],
  traceparent: ['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', 'x'],
  Origin: ['https://evil.example', 'null'],
  Cookie: ['a=b', '__proto__=x'],
  Host: ['evil.example', ''],
  Expect: ['100-continue', 'x'],
  Connection: ['keep-alive', 'close', 'upgrade', 'X-Remote-User', 'x'],
  Upgrade: ['websocket', 'h2c', 'SPDY/3.1', 'x'],
  'Sec-WebSocket-Key': ['dGhlIHNhbXBsZSBub25jZQ=='],
  TE: ['trailers', 'gzip'],
  Trailer: ['X-Remote-User'],
  'Kubectl-Command': ['kubectl get'],
  __proto__x: ['x'],
  constructor: ['x'],
};

// prettier-ignore
export const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'LINK', 'PROPFIND', 'SEARCH', 'PURGE'] as const;

/** JSON texts to stand in the place of others. */
// prettier-ignore
export const values = [
  'null', 'true', 'false', '0', '-0', '-1', '1.5', '1e400', '1e-400', '9007199254740993', '18446744073709551616', '""', '"a"', '[]', '{}', '[null]', '[[]]', '{"":{}}',
  '{"__proto__":{"x":1}}', '{"constructor":{"prototype":{"x":1}}}', '{"a":1,"a":2}', '"\\u0000"', '"\\ud800"', '"2026-11-25T00:00:00Z"', '"1h"', '["a",1,null,{}]',
  `"${'y'.repeat(300)}"`, `"${'y'.repeat(70_000)}"`, '['.repeat(40) + ']'.repeat(40), '['.repeat(1200) + ']'.repeat(1200), '{"a":'.repeat(1200) + '1' + '}'.repeat(1200),
] as const;

// prettier-ignore
export const patchPaths = ['', '/', '/metadata', '/metadata/name', '/metadata/labels', '/metadata/labels/a', '/metadata/finalizers', '/metadata/finalizers/-', '/metadata/finalizers/0', '/metadata/finalizers/99999999999', '/metadata/finalizers/01', '/metadata/resourceVersion', '/metadata/uid', '/metadata/deletionTimestamp', '/spec', '/spec/ttl', '/spec/includedNamespaces/-', '/status', '/status/phase', '/apiVersion', '/kind', '/data', '/data/x', '/__proto__/x', '/constructor/prototype/x', '/a~1b', '/a~', '/~2', 'x', '//', '/metadata/'] as const;
