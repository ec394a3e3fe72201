/**
 * Reads a log from the bytes in the bucket as docs/format.md describes them, by code of its own: what the program under test
 * does is judged by this. Only what is shorter in a simulation is left out.
 */
import { createHash } from 'node:crypto';
import { inflateRawSync } from 'node:zlib';
import type { ObjectKey } from '../../src/machinery/storage.ts';
import type { Bucket } from './bucket.ts';
import { idOf } from './history.ts';

export interface Change {
  readonly rv: number;
  readonly op: 'create' | 'update' | 'delete';
  readonly key: ObjectKey;
  readonly prev: number;
  readonly json: string;
  /** Of the state that it replaced. */
  readonly before: string | undefined;
  /** The run of a process that wrote it, by its random name. */
  readonly boot: string;
}

export interface Version {
  readonly rv: number;
  /** The number that ended it. */
  until: number;
  readonly json: string;
}

export interface Fault {
  readonly invariant: string;
  readonly message: string;
}

interface Header {
  readonly n: number;
  readonly prev: string;
  readonly firstRV: number;
  readonly count: number;
  readonly digest: string;
  readonly sha256: string;
  readonly writer: { readonly boot: string };
}

const modulus = 1n << 256n;
const sha256 = (data: Uint8Array | string) => createHash('sha256').update(data).digest('hex');

/** The log, and every state that it went through. */
export class TrueLog {
  readonly changes: Change[] = [];
  /** By object, oldest first. */
  readonly versions = new Map<string, Version[]>();
  readonly keys = new Map<string, ObjectKey>();
  /** Where each segment leads, and the moment it was made; segment n is at place n. */
  readonly heads: { readonly rv: number; readonly hash: string; readonly digest: string; readonly moment: number }[] = [];
  readonly faults: Fault[] = [];
  #digest = 0n;

  constructor(bucket: Bucket, prefix: string) {
    this.heads.push({ rv: 1, hash: '0'.repeat(64), digest: digits(0n), moment: 0 });
    for (const key of bucket.keys(prefix, '')) {
      try {
        this.#add(key, bucket.objects.get(key)!, bucket.made.get(key)!);
      } catch (error) {
        this.faults.push({ invariant: 'L1', message: `${key} cannot be read: ${(error as Error).message}` });
      }
    }
  }

  /** The newest number. */
  get rv(): number {
    return this.heads.at(-1)!.rv;
  }

  change(rv: number): Change | undefined {
    return this.changes[rv - 2];
  }

  /** The newest number that was in the log at a moment. */
  rvAt(moment: number): number {
    let rv = 1;
    for (const head of this.heads) if (head.moment <= moment) rv = head.rv;
    return rv;
  }

  at(key: ObjectKey, rv: number): Version | undefined {
    return this.versions.get(idOf(key))?.find((version) => version.rv <= rv && rv < version.until);
  }

  /** All objects of a resource at a number, in order of namespace and name. */
  state(rv: number, resource: string, namespace?: string): { readonly key: ObjectKey; readonly rv: number; readonly json: string }[] {
    const found = [];
    for (const [id, key] of this.keys) {
      if (key.resource !== resource || (namespace !== undefined && key.namespace !== namespace)) continue;
      const version = this.versions.get(id)?.find((version) => version.rv <= rv && rv < version.until);
      if (version !== undefined) found.push({ key, rv: version.rv, json: version.json });
    }
    return found.sort((a, b) => compare(`${a.key.namespace}\0${a.key.name}`, `${b.key.namespace}\0${b.key.name}`));
  }

  #add(key: string, bytes: Uint8Array, moment: number): void {
    const { header, lines } = parse(Buffer.from(bytes));
    const before = this.heads.at(-1)!;
    this.#expect(
      'L1',
      key,
      header.n === this.heads.length && Number(/(\d{20})/.exec(key)?.[1]) === header.n,
      `is number ${header.n}, not ${this.heads.length}`,
    );
    this.#expect('L4', key, header.prev === before.hash, 'does not name the hash of the segment before it');
    this.#expect('L5', key, header.firstRV === before.rv + 1, `begins with ${header.firstRV}, and the one before ended with ${before.rv}`);
    this.#expect('L5', key, header.count === lines.length, `says it has ${header.count} changes, and has ${lines.length}`);
    this.#expect('L6', key, header.digest === before.digest, 'names another digest than that of the state before it');
    for (const [i, line] of lines.entries()) this.#apply(key, line, before.rv + 1 + i, header.writer.boot);
    this.heads.push({ rv: before.rv + lines.length, hash: sha256(bytes), digest: digits(this.#digest), moment });
  }

  #apply(object: string, line: string, rv: number, boot: string): void {
    const at = line.indexOf(',"object":');
    const { op, resource, namespace, name, prev } = JSON.parse(at < 0 ? line : `${line.slice(0, at)}}`) as Omit<Change, 'key'> & ObjectKey;
    const json = at < 0 ? '' : line.slice(at + ',"object":'.length, -1);
    const key = { resource, namespace, name };
    const id = idOf(key);
    const versions = this.versions.get(id) ?? [];
    const last = versions.at(-1);
    const current = last?.until === Number.POSITIVE_INFINITY ? last : undefined;
    this.#expect(
      'A13',
      object,
      prev === (current?.rv ?? 0) && (op === 'create') === (prev === 0),
      `${op} of ${id} replaces ${prev}, but ${current?.rv ?? 0} was there`,
    );
    if (current !== undefined) {
      current.until = rv;
      this.#digest = (this.#digest + modulus - hashOf(key, current)) % modulus;
    }
    if (op !== 'delete') {
      const version = { rv, until: Number.POSITIVE_INFINITY, json };
      versions.push(version);
      this.#digest = (this.#digest + hashOf(key, version)) % modulus;
    }
    this.versions.set(id, versions);
    this.keys.set(id, key);
    this.changes.push({ rv, op, key, prev, json, before: current?.json, boot });
  }

  #expect(invariant: string, object: string, isTrue: boolean, message: string): void {
    if (!isTrue) this.faults.push({ invariant, message: `${object} ${message}` });
  }
}

function parse(bytes: Buffer): { readonly header: Header; readonly lines: readonly string[] } {
  const end = 40 + bytes.readUInt32BE(4);
  const header = JSON.parse(bytes.subarray(40, end).toString()) as Header;
  const body = bytes.subarray(end);
  if (sha256(body) !== header.sha256) throw new Error('its body does not have its hash');
  return { header, lines: inflateRawSync(body).toString().split('\n').slice(0, -1) };
}

function hashOf({ resource, namespace, name }: ObjectKey, { rv, json }: Version): bigint {
  return BigInt(`0x${sha256(`${resource}\0${namespace}\0${name}\0${rv}\0${json}`)}`);
}

const digits = (digest: bigint) => digest.toString(16).padStart(64, '0');
const compare = (a: string, b: string) => (a < b ? -1 : Number(a > b));
