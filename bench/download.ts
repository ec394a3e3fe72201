/**
 * How fast the archive of a backup is read, from Kylon itself and through kube-apiserver, against the object as it lies in the store; and how fast the
 * least server could be.
 */
import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import type { RequestOptions } from 'node:https';
import type { ObjectStore } from '../src/objectstore/objectstore.ts';
import { bareStore } from './bare-store.ts';
import { alternate, figure } from './figures.ts';
import type { Figure } from './figures.ts';
import { besideChild } from './least-child.ts';
import { each, timed } from './load.ts';
import type { Client } from './load.ts';
import type { Rig } from './rig.ts';
import { api, backUp, createOne, inNamespaces, namesOf } from './scene.ts';

export const downloadNames = ['download', 'download-proxied', 'download-least', 'download-memory'] as const;

const sources = namesOf('large', 1);
const signal = AbortSignal.any([]);
/** Of one object, which takes about as many of an archive: they are random. */
const objectBytes = 96 << 10;

export interface DownloadSize {
  /** Of the archive, about. */
  readonly mebibytes: number;
  readonly rounds: number;
}

interface Scene extends DownloadSize {
  readonly rig: Rig;
  readonly store: ObjectStore;
  readonly archive: { readonly key: string; readonly bytes: number };
}

export async function benchDownload(rig: Rig, size: DownloadSize): Promise<Figure[]> {
  const store = await bareStore(rig.store);
  try {
    return await inNamespaces(rig.cluster, async (make) => {
      await make(sources);
      await each(8, largeObjects((size.mebibytes << 20) / objectBytes), (object) => createOne(rig.cluster, object));
      const { archive } = await backUp(rig.cluster, 'large', sources);
      if (!archive) throw new Error('the backup has no archive');
      return measure({ ...size, rig, store, archive });
    });
  } finally {
    await store.close();
  }
}

async function measure(scene: Scene): Promise<Figure[]> {
  const { cluster, kylon, memory } = scene.rig;
  const mebibytes = (bytes: number) => bytes / (1 << 20);
  memory.forget();
  const before = memory.now();
  const figures = [
    await against(scene, 'download', () => download(kylon)),
    await against(scene, 'download-proxied', () => download(cluster)),
  ];
  const [value, againstValue] = [mebibytes(memory.peak - before), mebibytes(scene.archive.bytes)];
  return [
    ...figures,
    await againstLeast(scene),
    figure({
      name: 'download-memory',
      value,
      unit: 'MiB more than before',
      against: 'the archive',
      againstValue,
      goal: 0.2,
      better: 'lower',
    }),
  ];
}

/** In millions of bytes a second. */
async function against({ store, archive, rounds }: Scene, name: string, fetch: () => Promise<IncomingMessage>): Promise<Figure> {
  const speed = (open: () => Promise<AsyncIterable<Uint8Array>>) => async () => {
    const seconds = await timed(async () => {
      let bytes = 0;
      for await (const piece of await open()) bytes += piece.length;
      if (bytes !== archive.bytes) throw new Error(`${bytes} bytes of ${archive.bytes} came`);
    });
    return archive.bytes / seconds / 1e6;
  };
  const [value, againstValue] = await alternate(
    rounds,
    speed(fetch),
    speed(async () => (await store.stream(archive.key, signal)).body),
  );
  return figure({ name, value, unit: 'MB/s', against: 'raw GET', againstValue, goal: 0.9 });
}

function againstLeast(scene: Scene): Promise<Figure> {
  const { rig, archive } = scene;
  return besideChild(import.meta.resolve('./least-relay.ts'), [rig.store, archive.key], [], ({ port, ca }) =>
    against(scene, 'download-least', () => get(`https://localhost:${port}/`, { ca })),
  );
}

function download({ target: { url, tls, headers } }: Client): Promise<IncomingMessage> {
  return get(`${url}${api}/backups/large/proxy/download`, { ...tls, headers });
}

/** Keeps nothing of it. */
function get(url: string, options: RequestOptions): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { ...options, agent: false }, (response) => {
      if (response.statusCode === 200) resolve(response);
      else reject(new Error(`${url}: ${response.statusCode}`));
    });
    sent.on('error', reject);
    sent.end();
  });
}

function largeObjects(count: number) {
  return Array.from({ length: count }, (_, n) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: `large-${n}`, namespace: sources[0] ?? '' },
    binaryData: { value: randomBytes(objectBytes).toString('base64') },
  }));
}
