/** Reads back what was brought into a volume, and compares it byte for byte with the copy. */
import { TarScanner } from '../../base/tar-scanner.ts';
import type { ScannedEntry } from '../../base/tar-scanner.ts';
import { quote } from '../../machinery/errors.ts';
import type { Errand } from '../mover/mover-pod.ts';
import type { Sender } from '../mover/mover.ts';
import { RunFailed } from '../runs/failure.ts';
import { CopyCut } from './attempts.ts';
import { runInContainer } from './container-program.ts';
import { keyOf, namesOfPath } from './copy-format.ts';
import type { EntryRecord } from './copy-format.ts';
import type { MountedVolume } from './mounted-volume.ts';
import type { StoredCopy } from './stored-copy.ts';
import { TarComplaints } from './tar-complaints.ts';

type Step = ScannedEntry | Uint8Array;

/** Rejects with RunFailed at the first difference. */
export async function verifyCopy({ cluster, signal }: Sender, { owner }: Errand, copy: StoredCopy, mounted: MountedVolume): Promise<void> {
  const comparison = new Comparison(copy, signal);
  const complaints = new TarComplaints();
  const streams = { output: (piece: Uint8Array) => comparison.push(piece), errors: (piece: Uint8Array) => complaints.add(piece) };
  const command = ['tar', '-C', mounted.path, '-cf', '-', '.'];
  const code = await runInContainer(cluster, owner.metadata.namespace ?? '', mounted, command, streams, signal);
  complaints.end();
  if (!comparison.isWhole) throw new CopyCut(`reading back ended with ${code} before all was read: ${complaints.lastWords}`);
  if (comparison.count < copy.count) throw differs(`of ${copy.count} files and folders only ${comparison.count} are there`);
}

const differs = (why: string) => new RunFailed('VerifyFailed', `what was written into the volume is not what was copied: ${why}`);

class Comparison {
  readonly #copy: StoredCopy;
  readonly #signal: AbortSignal;
  readonly #steps: Step[] = [];
  readonly #scanner = new TarScanner({ entry: (entry) => this.#steps.push(entry), content: (bytes) => this.#steps.push(bytes) });
  /** Where in the tar file of the copy the content lies that comes now, and whose it is. */
  #at = 0;
  #path = '';
  count = 0;

  constructor(copy: StoredCopy, signal: AbortSignal) {
    this.#copy = copy;
    this.#signal = signal;
  }

  get isWhole(): boolean {
    return this.#scanner.isEnded;
  }

  async push(piece: Uint8Array): Promise<void> {
    this.#scanner.push(piece);
    for (const step of this.#steps.splice(0)) await (step instanceof Uint8Array ? this.#compare(step) : this.#begin(step));
  }

  /** What is in the volume and not in the copy, as lost+found, is nobody's fault. */
  async #begin(entry: ScannedEntry): Promise<void> {
    this.#path = Buffer.from(entry.path).toString();
    const own = await this.#copy.find(keyOf(namesOfPath(entry.path) ?? []), this.#signal);
    this.#at = -1;
    if (!own) return;
    this.count++;
    const record = await this.#followed(own);
    if (entry.type === 'link') return;
    if (record.type !== entry.type || record.size !== entry.size)
      throw differs(`${quote(this.#path)} has ${entry.size} bytes instead of ${record.size}, or is of another kind`);
    this.#at = record.at;
  }

  async #followed(record: EntryRecord): Promise<EntryRecord> {
    return record.type === 'link' ? ((await this.#copy.find(record.target ?? '', this.#signal)) ?? record) : record;
  }

  async #compare(content: Uint8Array): Promise<void> {
    if (this.#at < 0) return;
    let offset = 0;
    for await (const part of this.#copy.bytes(this.#at, content.length, this.#signal)) {
      if (Buffer.compare(part, content.subarray(offset, offset + part.length)) !== 0)
        throw differs(`the bytes of ${quote(this.#path)} are others`);
      offset += part.length;
    }
    this.#at += content.length;
  }
}
