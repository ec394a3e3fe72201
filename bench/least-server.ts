/**
 * The least that can stand behind kube-apiserver: objects in memory, no checks, no rights, nothing durable, and HTTP/2 by hand; long lists
 * are bytes that were made before. Prints its port. What it cannot do better than a CustomResourceDefinition on a machine, no server in Node can.
 */
import { readFileSync } from 'node:fs';
import { createSecureServer } from 'node:http2';
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { leastGroup, leastPath, readyIndex } from './least-names.ts';
import type { ReadyAnswer } from './least-names.ts';

interface Thing {
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}

const [certificate = '', folder = ''] = process.argv.slice(2);
const pem = readFileSync(certificate);
const ready = readyAnswers();
const texts = new Map<string, string>();
const watchers = new Set<ServerHttp2Stream>();
let version = 1;

const discovery = JSON.stringify({
  kind: 'APIResourceList',
  apiVersion: 'v1',
  groupVersion: `${leastGroup}/v1alpha1`,
  resources: [
    { name: 'backups', singularName: 'backup', namespaced: true, kind: 'Backup', verbs: ['create', 'get', 'list', 'patch', 'watch'] },
    { name: 'backups/status', singularName: '', namespaced: true, kind: 'Backup', verbs: ['patch'] },
  ],
});

function keep(name: string, thing: Thing): string {
  version += 1;
  const text = JSON.stringify({ ...thing, metadata: { ...thing.metadata, resourceVersion: String(version) } });
  texts.set(name, text);
  return text;
}

function merged(name: string, patch: Partial<Thing>): string {
  const old = JSON.parse(texts.get(name) ?? '{"metadata":{}}') as Thing;
  const text = keep(name, { ...old, ...patch, metadata: { ...old.metadata, ...patch.metadata } });
  for (const watcher of watchers) watcher.write(`{"type":"MODIFIED","object":${text}}\n`);
  return text;
}

/** kube-apiserver writes queries anew. */
function questionOf(query: string, accept: string, encoding: string): string {
  return `${encoding} ${accept} ${new URLSearchParams(query).get('continue') ?? ''}`;
}

function readyAnswers(): Map<string, Buffer> {
  const index = JSON.parse(readFileSync(join(folder, readyIndex), 'utf8')) as ReadyAnswer[];
  return new Map(index.map(({ query, accept, encoding, file }) => [questionOf(query, accept, encoding), readFileSync(join(folder, file))]));
}

/** Undefined for what was not made before. */
function readyAnswerTo(path: string, { accept = '', 'accept-encoding': encoding = '' }: IncomingHttpHeaders): Buffer | undefined {
  const query = path.slice(leastPath.length);
  return path.startsWith(`${leastPath}?`) && query.includes('limit=') ? ready.get(questionOf(query, accept, encoding)) : undefined;
}

/** Undefined for what is not there. */
function answerTo(method: string, path: string, body: Buffer): string | undefined {
  const [, , , , , , plural, name = ''] = path.split('?', 1)[0]?.split('/') ?? [];
  if (plural === undefined) return path === `/apis/${leastGroup}/v1alpha1` ? discovery : undefined;
  if (method === 'PATCH') return merged(name, JSON.parse(body.toString()) as Partial<Thing>);
  if (method === 'POST') {
    const thing = JSON.parse(body.toString()) as Thing;
    return keep(String(thing.metadata['name']), thing);
  }
  if (name === '' && path.includes('limit=')) return undefined;
  if (name === '') return JSON.stringify({ kind: 'BackupList', metadata: { resourceVersion: String(version) }, items: [] });
  return texts.get(name);
}

async function serve(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> {
  const { ':method': method = '', ':path': path = '' } = headers;
  if (path.includes('watch=1')) {
    stream.respond({ ':status': 200, 'content-type': 'application/json' });
    watchers.add(stream.on('close', () => watchers.delete(stream)));
    return;
  }
  const long = readyAnswerTo(path, headers);
  if (long) {
    const packed = long[0] === 0x1f && { 'content-encoding': 'gzip' };
    stream.respond({ ':status': 200, 'content-type': 'application/json', 'content-length': long.length, ...packed });
    stream.end(long);
    return;
  }
  const answer = answerTo(method, path, method === 'GET' ? Buffer.alloc(0) : await buffer(stream));
  const status = answer === undefined ? 404 : 200;
  stream.respond({ ':status': status, 'content-type': 'application/json', 'content-length': Buffer.byteLength(answer ?? '') });
  stream.end(answer);
}

const server = createSecureServer({ cert: pem, key: pem, maxSessionMemory: 1000, settings: { maxConcurrentStreams: 1000 } });
server.on('stream', (stream, headers) => {
  stream.on('error', () => {});
  void serve(stream, headers);
});
server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port));
