/**
 * The secrets of each repository: made once, by one put-if-absent, of which a race of replicas has one winner, and never
 * changed. What restic needs to begin, its key and its config, is decided in the same file: two at once can never make halves of two repositories.
 */
import type { Clock } from '../base/clock.ts';
import type { Ids } from '../base/ids.ts';
import type { ObjectStore } from '../objectstore/objectstore.ts';
import { StoreDamaged, StoreUnavailable } from '../objectstore/objectstore.ts';
import { readIfThere } from '../objectstore/read-if-there.ts';
import { idOf, newRepository } from './making/new-repository.ts';
import type { Place } from './paths.ts';
import type { RepositoryName } from './repositories.ts';
import { RepositoryKeyError } from './repositories.ts';
import { configKey, fileKey, resticFolder, secretsKey } from './paths.ts';

export interface Secrets {
  readonly repositoryPassword: string;
  /** 32 bytes, with which tickets are signed. */
  readonly ticketKey: Buffer;
  readonly key: Buffer;
  readonly config: Buffer;
}

export interface SecretsParts {
  readonly storeNamed: (name: string) => ObjectStore;
  readonly domain: string;
  readonly clock: Clock;
  readonly ids: Ids;
}

/** Repositories that are remembered; the one that was read first is forgotten. */
const mostKnown = 1000;

export class SecretFiles {
  readonly #parts: SecretsParts;
  /** By store and namespace. */
  readonly #known = new Map<string, Secrets>();

  constructor(parts: SecretsParts) {
    this.#parts = parts;
  }

  /** Undefined where the repository has none. Rejects with a StoreError. */
  async find(repository: RepositoryName, signal: AbortSignal): Promise<Secrets | undefined> {
    const known = this.#known.get(keyOf(repository)) ?? (await this.#read(repository, signal));
    if (known !== undefined) this.#remember(repository, known);
    return known;
  }

  /** Makes them, and the beginning of the repository, where that has not been done. Rejects with a StoreError. */
  async ensure(repository: RepositoryName, signal: AbortSignal): Promise<Secrets> {
    const secrets = (await this.find(repository, signal)) ?? (await this.#make(repository, signal));
    await this.#begin(repository, secrets, signal);
    return secrets;
  }

  /** Whatever became of the put, what lies there then is what counts. */
  async #make(repository: RepositoryName, signal: AbortSignal): Promise<Secrets> {
    const { store, place } = this.#found(repository);
    if (await isBegun(store, place, signal)) return this.#missed(repository, signal);
    await store.putIfAbsent(secretsKey(place), await newSecrets(this.#parts), signal);
    const made = await this.find(repository, signal);
    if (made === undefined) throw new StoreUnavailable(`${store.name}: ${secretsKey(place)} was written, and cannot be found`);
    return made;
  }

  /** Another replica may have begun the repository since they were looked for; otherwise they are lost. */
  async #missed(repository: RepositoryName, signal: AbortSignal): Promise<Secrets> {
    const found = await this.find(repository, signal);
    if (found === undefined) throw lost(this.#found(repository).place, 'is missing, though the repository is there');
    return found;
  }

  /**
   * The same bytes by whichever replica, so that it is no matter who was first. Nothing is written where all is there: a store may be for reading
   * only, and to a repository with another config, for which these are the wrong ones.
   */
  async #begin(repository: RepositoryName, { key, config }: Secrets, signal: AbortSignal): Promise<void> {
    const { store, place } = this.#found(repository);
    const found = await readIfThere(store, configKey(place), signal);
    if (found === undefined) await store.putIfAbsent(configKey(place), config, signal);
    else if (!config.equals(found)) this.#refuse(repository);
    const keyName = fileKey(place, 'keys', idOf(key));
    if ((await store.size(keyName, signal)) === undefined) await store.putIfAbsent(keyName, key, signal);
  }

  /** They are read anew when they are asked for again. */
  #refuse(repository: RepositoryName): never {
    this.#known.delete(keyOf(repository));
    throw otherConfig(this.#found(repository).place);
  }

  async #read(repository: RepositoryName, signal: AbortSignal): Promise<Secrets | undefined> {
    const { store, place } = this.#found(repository);
    const content = await readIfThere(store, secretsKey(place), signal).catch((error: unknown) => {
      throw error instanceof StoreDamaged ? lost(place, 'is damaged', error) : error;
    });
    return content && secretsOf(content, place);
  }

  #remember(repository: RepositoryName, secrets: Secrets): void {
    this.#known.set(keyOf(repository), secrets);
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= mostKnown) break;
      this.#known.delete(oldest);
    }
  }

  #found({ storeName, namespace }: RepositoryName): { readonly store: ObjectStore; readonly place: Place } {
    return { store: this.#parts.storeNamed(storeName), place: { domain: this.#parts.domain, namespace } };
  }
}

const keyOf = ({ storeName, namespace }: RepositoryName) => `${storeName}/${namespace}`;

async function isBegun(store: ObjectStore, place: Place, signal: AbortSignal): Promise<boolean> {
  for await (const _ of store.list(resticFolder(place), signal)) return true;
  return false;
}

async function newSecrets(parts: SecretsParts): Promise<Buffer> {
  const repositoryPassword = parts.ids.hex(32);
  const { key, config } = await newRepository(repositoryPassword, parts);
  const file = {
    version: 1,
    repositoryPassword,
    ticketKey: parts.ids.hex(32),
    key: key.toString('base64'),
    config: config.toString('base64'),
  };
  return Buffer.from(`${JSON.stringify(file)}\n`);
}

const hex256 = /^[0-9a-f]{64}$/;
const base64 = /^[A-Za-z0-9+/]+={0,2}$/;

function secretsOf(content: Uint8Array, place: Place): Secrets {
  const { version, repositoryPassword, ticketKey, key, config } = membersOf(content);
  const texts = [repositoryPassword, ticketKey, key, config].map((value) => (typeof value === 'string' ? value : ''));
  const [password = '', ticket = '', keyText = '', configText = ''] = texts;
  const isWhole = version === 1 && hex256.test(password) && hex256.test(ticket) && base64.test(keyText) && base64.test(configText);
  if (!isWhole) throw lost(place, 'is damaged');
  return {
    repositoryPassword: password,
    ticketKey: Buffer.from(ticket, 'hex'),
    key: Buffer.from(keyText, 'base64'),
    config: Buffer.from(configText, 'base64'),
  };
}

/** Not the SyntaxError, which would quote what it could not read. */
function membersOf(content: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(content).toString());
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

const lost = (place: Place, fault: string, cause?: unknown) =>
  new RepositoryKeyError(
    'RepositoryKeyLost',
    `${secretsKey(place)} ${fault}: it holds the password of all that was moved there from volumes of namespace ${place.namespace}, which nobody can read until the file is put back from a copy`,
    cause,
  );

const otherConfig = (place: Place) =>
  new RepositoryKeyError(
    'RepositoryKeyWrong',
    `${configKey(place)} is not the one that ${secretsKey(place)} holds a copy of: one of the two is damaged, or of another repository`,
  );
