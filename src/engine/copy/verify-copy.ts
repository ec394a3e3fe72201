/** Reads back what was brought into a volume, and compares it byte for byte with the copy. */
import { TarFault, TarScanner } from '../../base/tar-scanner.ts';
import type { ScannedEntry } from '../../base/tar-scanner.ts';
import { quote } from '../../machinery/errors.ts';
import type { Errand } from '../mover/mover-pod.ts';
import type { Sender } from '../mover/mover.ts';
import { RunFailed } from '../runs/failure.ts';
import { CopyCut } from './attempts.ts';
import { namesOfPath } from './copy-format.ts';
import type { MountedVolume } from './mounted-volume.ts';
import { readOut } from './read-out.ts';
import type { ReadOut } from './read-out.ts';
import type { DeviceContent, FilesContent, VolumeContent } from './volume-content.ts';

type Step = ScannedEntry | Uint8Array;

/** Where in the volume it was brought: a folder from the root on, and in it a path as tar takes it, which begins with a dot. */
export interface Brought {
  readonly folder: string;
  readonly name: string;
}

/** All of it. Rejects with RunFailed at the first difference. */
export async function verifyCopy(sender: Sender, errand: Errand, content: VolumeContent, mounted: MountedVolume): Promise<void> {
  await (content.is === 'device'
    ? verifyDevice(sender, errand, content, mounted)
    : verifyFilesAt(sender, errand, content, mounted, { folder: '', name: '.' }));
}

/** Rejects with RunFailed at the first difference. */
export async function verifyFilesAt(
  sender: Sender,
  errand: Errand,
  content: FilesContent,
  mounted: MountedVolume,
  { folder, name }: Brought,
): Promise<void> {
  const comparison = new Comparison(content, sender.signal);
  const command = ['tar', '-C', `${mounted.path}/${folder}`, '-cf', '-', name];
  const read = await readOut(sender, errand, mounted, command, {
    push: (piece) => comparison.push(piece),
    isWhole: () => comparison.isWhole,
  });
  if (!comparison.isWhole) throw cutOff(read);
  if (comparison.count < content.count) throw differs(`of ${content.count} files and folders only ${comparison.count} are there`);
}

/** The device may be larger than what was copied. */
async function verifyDevice(sender: Sender, errand: Errand, content: DeviceContent, mounted: MountedVolume): Promise<void> {
  const original = new ByteQueue(content.bytes(sender.signal));
  let left = content.contentBytes;
  const push = async (piece: Uint8Array) => {
    const part = piece.subarray(0, left);
    left -= part.length;
    if (!(await original.begins(part))) throw differs('the bytes of the device are others');
  };
  const read = await readOut(sender, errand, mounted, ['cat', mounted.path], { push, isWhole: () => left === 0 });
  if (left > 0) throw cutOff(read);
}

const cutOff = ({ code, complaints }: ReadOut) =>
  new CopyCut(`reading back ended with ${code} before all was read: ${complaints.lastWords}`);

const differs = (why: string) => new RunFailed('VerifyFailed', `what was written into the volume is not what was copied: ${why}`);

class Comparison {
  readonly #content: FilesContent;
  readonly #signal: AbortSignal;
  readonly #steps: Step[] = [];
  readonly #scanner = new TarScanner({ entry: (entry) => this.#steps.push(entry), content: (bytes) => this.#steps.push(bytes) });
  /** What the bytes that come now have to be, and whose they are; undefined where nobody says it. */
  #original: ByteQueue | undefined;
  #path = '';
  count = 0;

  constructor(content: FilesContent, signal: AbortSignal) {
    this.#content = content;
    this.#signal = signal;
  }

  get isWhole(): boolean {
    return this.#scanner.isEnded;
  }

  async push(piece: Uint8Array): Promise<void> {
    this.#scan(piece);
    for (const step of this.#steps.splice(0)) await (step instanceof Uint8Array ? this.#compare(step) : this.#begin(step));
  }

  #scan(piece: Uint8Array): void {
    try {
      this.#scanner.push(piece);
    } catch (error) {
      throw error instanceof TarFault ? differs(`no tar file came: ${error.message}`) : error;
    }
  }

  /** What is in the volume and not in the copy, as lost+found, is nobody's fault. */
  async #begin(entry: ScannedEntry): Promise<void> {
    this.#path = Buffer.from(entry.path).toString();
    const original = await this.#content.find(namesOfPath(entry.path) ?? [], this.#signal);
    this.#original = undefined;
    if (!original) return;
    this.count++;
    if (entry.type === 'link') return;
    if (original.type !== entry.type || original.size !== entry.size)
      throw differs(`${quote(this.#path)} has ${entry.size} bytes instead of ${original.size}, or is of another kind`);
    this.#original = new ByteQueue(original.bytes(this.#signal));
  }

  async #compare(content: Uint8Array): Promise<void> {
    if (this.#original && !(await this.#original.begins(content))) throw differs(`the bytes of ${quote(this.#path)} are others`);
  }
}

/** Bytes that are compared in the order in which they come. */
class ByteQueue {
  readonly #pieces: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array();

  constructor(pieces: AsyncIterable<Uint8Array>) {
    this.#pieces = pieces[Symbol.asyncIterator]();
  }

  /** Whether these come next; they are taken. */
  async begins(bytes: Uint8Array): Promise<boolean> {
    for (let at = 0; at < bytes.length;) {
      const part = await this.#take(bytes.length - at);
      if (part.length === 0 || Buffer.compare(part, bytes.subarray(at, at + part.length)) !== 0) return false;
      at += part.length;
    }
    return true;
  }

  /** As many as there are, and `most` at most; empty at the end. */
  async #take(most: number): Promise<Uint8Array> {
    while (this.#rest.length === 0) {
      const next = await this.#pieces.next();
      if (next.done) return this.#rest;
      this.#rest = next.value;
    }
    const part = this.#rest.subarray(0, most);
    this.#rest = this.#rest.subarray(part.length);
    return part;
  }
}
