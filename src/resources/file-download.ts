/**
 * `snapshots/NAME/download`: a file of the volume, which can be resumed, or a folder as a tar file, which cannot. A volume without a file
 * system is one file. kube-apiserver cuts all of them after 60 seconds, but not `snapshots/NAME/proxy/download`.
 */
import { matchesTag } from '../machinery/description/document.ts';
import type { Answer } from '../machinery/call.ts';
import { noSuchPath } from '../machinery/errors.ts';
import type { KubeObject } from '../machinery/object.ts';
import { defineSubresource } from '../machinery/resource.ts';
import type { ResourceCall } from '../machinery/resource.ts';
import { rangeOf, spanOf } from './byte-range.ts';
import { lengthHeaders, unsatisfiable } from './download.ts';
import { pathParameter } from './files.ts';
import type { Download, Services } from './services.ts';

export const download = defineSubresource<Services>({
  name: 'download',
  verbs: ['get'],
  kind: 'Snapshot',
  description: 'Read a file of a Snapshot, or a range of its bytes, or a folder as a tar file.',
  parameters: [pathParameter],
  produces: 'application/octet-stream',
  subpath: false,
  handle: deliver,
});

export const proxy = defineSubresource<Services>({
  name: 'proxy',
  verbs: ['get'],
  kind: 'Snapshot',
  description: 'Read a file or a folder of a Snapshot by proxy/download, as download gives it, however long that takes.',
  parameters: [pathParameter],
  produces: 'application/octet-stream',
  subpath: true,
  handle: (snapshot, call, services) => {
    if (call.resource.subpath.join('/') !== 'download') throw noSuchPath();
    return deliver(snapshot, call, services);
  },
});

async function deliver(snapshot: KubeObject, call: ResourceCall, services: Services): Promise<Answer> {
  const found = await services.download(snapshot, call.query.get('path') ?? '', call.user, call.signal);
  return found.file ? deliverFile(snapshot, found, found.file, call) : deliverFolder(snapshot, found, call);
}

async function deliverFile(
  { metadata }: KubeObject,
  { name, read }: Download,
  { size, tag }: { size: number; tag: string },
  call: ResourceCall,
): Promise<Answer> {
  const file = name || `${metadata.namespace}-${metadata.name}.img`;
  if (matchesTag(call.ifNoneMatch, tag)) return { status: 304, headers: { ETag: `"${tag}"` }, body: '' };
  const span = spanOf(rangeOf(call, tag), size);
  if (span === 'unsatisfiable') return unsatisfiable(call.range, size);
  const headers = {
    'Content-Type': 'application/octet-stream',
    'Content-Disposition': attachment(file),
    ...lengthHeaders(size, tag, span),
  };
  return { status: span ? 206 : 200, headers, body: await read(span, call.signal) };
}

async function deliverFolder({ metadata }: KubeObject, { name, read }: Download, call: ResourceCall): Promise<Answer> {
  const file = `${name || `${metadata.namespace}-${metadata.name}`}.tar`;
  const headers = { 'Content-Type': 'application/x-tar', 'Content-Disposition': attachment(file) };
  return { status: 200, headers, body: await read(undefined, call.signal) };
}

/** A name may hold anything: https://www.rfc-editor.org/rfc/rfc6266#section-5 */
function attachment(name: string): string {
  const plain = name.replace(/[^\x20-\x7e]|["\\%]/g, '_');
  const whole = encodeURIComponent(name.toWellFormed()).replace(/['()*!]/g, (one) => `%${one.charCodeAt(0).toString(16)}`);
  return plain === name ? `attachment; filename="${name}"` : `attachment; filename="${plain}"; filename*=UTF-8''${whole}`;
}
