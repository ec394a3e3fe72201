/** A serving certificate that somebody else makes and renews, such as cert-manager in a mounted Secret. */
import { readFile } from 'node:fs/promises';
import type { Clock } from '../base/clock.ts';
import { messageOf } from '../base/lifetime.ts';
import type { Log } from '../base/log.ts';
import type { Certificate } from './https.ts';

export interface CertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** Milliseconds between two looks; a mounted Secret is renewed by swapping a link, which no file watch sees reliably. */
const interval = 10_000;

/** Rejects with the file system's error. */
export async function readCertificateFiles({ certFile, keyFile }: CertificateFiles, signal: AbortSignal): Promise<Certificate> {
  const [cert, key] = await Promise.all([certFile, keyFile].map((file) => readFile(file, { encoding: 'utf8', signal })));
  return { cert: cert ?? '', key: key ?? '' };
}

/** Hands over every new certificate until the signal aborts; one that is not usable leaves the old one in force. */
export async function followCertificateFiles(
  files: CertificateFiles,
  first: Certificate,
  use: (certificate: Certificate) => void,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  signal: AbortSignal,
): Promise<void> {
  for (let last = first; !signal.aborted;) {
    await clock.sleep(interval, signal).catch(() => {});
    try {
      const next = await readCertificateFiles(files, signal);
      if (next.cert === last.cert && next.key === last.key) continue;
      use(next);
      last = next;
      log.info('the serving certificate was renewed', { file: files.certFile });
    } catch (error) {
      if (!signal.aborted) log.error('the serving certificate could not be renewed', { file: files.certFile, error: messageOf(error) });
    }
  }
}
