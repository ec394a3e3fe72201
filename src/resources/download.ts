/**
 * `backups/NAME/download`: the archive as it lies in the store. It can be resumed, because kube-apiserver cuts it after 60 seconds.
 * `backups/NAME/proxy/download` is the same, uncut: kube-apiserver sets no time for what is named proxy.
 */
import { jsonAnswer } from '../machinery/call.ts';
import type { Answer } from '../machinery/call.ts';
import { matchesTag } from '../machinery/description/document.ts';
import { noSuchPath, rangeNotSatisfiable } from '../machinery/errors.ts';
import type { KubeObject } from '../machinery/object.ts';
import { defineSubresource } from '../machinery/resource.ts';
import type { ResourceCall } from '../machinery/resource.ts';
import { rangeOf, spanOf } from './byte-range.ts';
import type { Span } from './byte-range.ts';
import type { ArchiveStream, Services } from './services.ts';

export const download = defineSubresource<Services>({
  name: 'download',
  verbs: ['get'],
  kind: 'Backup',
  description: 'Read the archive of a Backup, a tar file compressed by gzip, or a range of its bytes.',
  parameters: [],
  produces: 'application/gzip',
  subpath: false,
  handle: deliver,
});

export const proxy = defineSubresource<Services>({
  name: 'proxy',
  verbs: ['get'],
  kind: 'Backup',
  description: 'Read the archive of a Backup by proxy/download, as download gives it, however long that takes.',
  parameters: [],
  produces: 'application/gzip',
  subpath: true,
  handle: (backup, call, services) => {
    if (call.resource.subpath.join('/') !== 'download') throw noSuchPath();
    return deliver(backup, call, services);
  },
});

async function deliver(backup: KubeObject, call: ResourceCall, services: Services): Promise<Answer> {
  const { archive } = (backup.status ?? {}) as { archive?: { bytes: number; sha256: string } };
  if (archive && matchesTag(call.ifNoneMatch, archive.sha256)) return { status: 304, headers: { ETag: `"${archive.sha256}"` }, body: '' };
  const span = archive && spanOf(rangeOf(call, archive.sha256), archive.bytes);
  if (span === 'unsatisfiable') return unsatisfiable(call.range, archive?.bytes ?? 0);
  const stream = await services.archive(backup, span, call.signal);
  return { status: span ? 206 : 200, headers: headersOf(backup, stream, span), body: stream.body };
}

function headersOf({ metadata }: KubeObject, { size, sha256 }: ArchiveStream, span: Span | undefined): Record<string, string> {
  return {
    'Content-Type': 'application/gzip',
    'Content-Disposition': `attachment; filename="${metadata.namespace}-${metadata.name}.tar.gz"`,
    ...lengthHeaders(size, sha256, span),
  };
}

/** Of what can be read in parts. `tag` changes with its content. */
export function lengthHeaders(size: number, tag: string, span: Span | undefined): Record<string, string> {
  return {
    'Content-Length': String(span?.length ?? size),
    'Accept-Ranges': 'bytes',
    ETag: `"${tag}"`,
    ...(span && { 'Content-Range': `bytes ${span.start}-${span.start + span.length - 1}/${size}` }),
  };
}

export function unsatisfiable(asked: string, size: number): Answer {
  const error = rangeNotSatisfiable(asked, size);
  return jsonAnswer(error.code, JSON.stringify(error.toStatus()), { 'Content-Range': `bytes */${size}` });
}
