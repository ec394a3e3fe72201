/** Object stores on S3 of AWS, and on stores that speak its language. */
import type { ObjectStore } from '../objectstore.ts';
import type { Provider, StoreParts } from '../provider.ts';
import type { S3Timeouts } from './s3-client.ts';
import { s3OptionsOf } from './s3-options.ts';
import { S3Requests } from './s3-requests.ts';
import { S3Store } from './s3-store.ts';
import { sweepUploads } from './s3-sweep.ts';

export const s3Provider: Provider = {
  scheme: 's3',
  usage: [
    's3://BUCKET/PREFIX?endpoint=URL&region=NAME&pathStyle=true|false&caFile=PATH&sse=AES256|aws:kms&sseKmsKeyId=ID',
    '    S3 of AWS, or a store that speaks its language. Credentials: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, else those of the workload.',
  ].join('\n'),
  credentials: { oneOf: [['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']], also: ['AWS_SESSION_TOKEN'] },
  open: (url, parts, signal) => openS3(url, parts, signal),
};

/** Rejects with a StoreError when the bucket is not there, or its keys cannot be listed. */
export async function openS3(url: URL, parts: StoreParts, signal: AbortSignal, timeouts?: S3Timeouts): Promise<ObjectStore> {
  const options = { ...s3OptionsOf(url, parts.env), ca: parts.ca };
  // Not sooner: Node takes 50 ms for its modules of HTTP, which no other store needs at the start.
  const { connectS3 } = await import('./s3-client.ts');
  const requests = new S3Requests(await connectS3(options, timeouts), options);
  try {
    await requests.list('', {}, signal);
    await sweepUploads(requests, parts.clock, signal);
  } catch (error) {
    requests.close();
    throw error;
  }
  return new S3Store({ name: options.name, requests, clock: parts.clock, ids: parts.ids });
}
