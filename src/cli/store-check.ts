/** `kylon store check`: proves that a store can be used, and says what is in it. It leaves nothing behind. */
import { Command } from 'commander';
import type { CatalogSurvey, DomainSurvey } from '../catalog/place/survey.ts';
import { surveyCatalog } from '../catalog/place/survey.ts';
import type { ObjectStore } from '../objectstore/objectstore.ts';
import type { OpenedStore } from '../objectstore/open.ts';
import { probePrefix } from '../objectstore/probe/probe.ts';
import { openExisting } from './existing-store.ts';
import type { Terminal } from './terminal.ts';

/** Requests of each sort whose time is taken, one after the other, and the bytes of each. */
const samples = 20;
const sampleBytes = 1024;

interface Flags {
  readonly encryptionKeys?: string;
}

export function checkCommand(terminal: Terminal): Command {
  return new Command('check')
    .description('Proves that an object store keeps its promises, and says what is in it. Leaves nothing behind.')
    .argument('<url>', 'the object store, as --store of the server names it')
    .option('--encryption-keys <file>', 'keys of an encrypted store, as the server is given them: to look at its contents')
    .action((url: string, flags: Flags) => run(terminal, url, flags));
}

async function run(terminal: Terminal, url: string, { encryptionKeys }: Flags): Promise<void> {
  const signal = AbortSignal.any([]);
  const onProof = (promise: string) => terminal.say(`ok: ${promise}`);
  await using opened = new AsyncDisposableStack();
  const found = await openExisting(url, { ...terminal, encryptionKeys, onProof }, signal);
  const store = opened.adopt(found.store, (one) => one.close());
  const { readOnly, encrypted } = found;
  terminal.say(readOnly === undefined ? `${store.name} can be read and written.` : `${store.name} can only be read: ${readOnly}`);
  if (readOnly === undefined) await takeTimes(terminal, store, signal);
  tellCatalog(terminal, found, await surveyCatalog(store, encrypted, signal));
}

async function takeTimes(terminal: Terminal, store: ObjectStore, signal: AbortSignal): Promise<void> {
  const { clock, ids } = terminal;
  const folder = `${probePrefix}${clock.now()}-${ids.hex(16)}`;
  const keys = Array.from({ length: samples }, (_, i) => `${folder}/${i}`);
  const medianOf = async (request: (key: string) => Promise<unknown>) => {
    const times: number[] = [];
    for (const key of keys) {
      const since = clock.monotonic();
      await request(key);
      times.push(clock.monotonic() - since);
    }
    return `${(times.toSorted((a, b) => a - b)[samples / 2] ?? 0).toFixed(1)} ms`;
  };
  try {
    const put = await medianOf((key) => store.putIfAbsent(key, new Uint8Array(sampleBytes), signal));
    const get = await medianOf((key) => store.read(key, signal));
    terminal.say(
      `Of ${samples} requests of ${sampleBytes} bytes, one after the other, the median is ${put} for a put and ${get} for a get.`,
    );
  } finally {
    await Promise.all(keys.map((key) => store.delete(key, signal)));
  }
}

/** Throws where the server would refuse it. */
function tellCatalog(terminal: Terminal, { store, encrypted, readOnly }: OpenedStore, { marker, isRead, domains }: CatalogSurvey): void {
  if (marker === undefined && domains.length === 0) return tellNone(terminal, store, readOnly);
  if (marker === undefined)
    throw new Error(`kylon.json is missing in ${store.name}, but there is data of ${counted(domains.length, 'domain')}: ${remedy}`);
  const encryption = marker.encryption === undefined ? 'not encrypted' : `encrypted with ${marker.encryption}`;
  terminal.say(`It holds a catalog of format ${marker.format}, ${encryption}; the id of the store is ${marker.store}.`);
  for (const domain of domains) tellDomain(terminal, domain);
  if (encrypted && !isRead) throw new Error(`${store.name} is not encrypted: the server refuses it with --encryption-keys`);
  if (!isRead) terminal.say('Its contents were not looked at: that takes --encryption-keys FILE.');
  const faulty = domains.find(({ fault }) => fault !== undefined);
  if (faulty !== undefined) throw new Error(`the server refuses domain ${faulty.domain} of ${store.name}: ${faulty.fault}; ${remedy}`);
}

const remedy = 'docs/operations.md says how to go on';

function tellNone(terminal: Terminal, store: ObjectStore, readOnly: string | undefined): void {
  if (readOnly !== undefined) throw new Error(`${store.name} holds no catalog, and none can be made there: give the right to write`);
  terminal.say(`It holds no catalog: Kylon makes one at its first start. If it held one before, it was emptied, and ${remedy}.`);
}

function tellDomain(terminal: Terminal, survey: DomainSurvey): void {
  const { domain, checkpoints, fault, badCheckpoint } = survey;
  terminal.say(`  domain ${domain}: ${logOf(survey)}, ${counted(checkpoints, 'checkpoint')}`);
  if (fault !== undefined) terminal.say(`    refused: ${fault}`);
  if (badCheckpoint !== undefined) terminal.say(`    not used: ${badCheckpoint}`);
}

function logOf({ first, newest, gap }: DomainSurvey): string {
  if (newest === 0) return 'no segments';
  return `segments ${first} to ${newest}${gap === undefined ? ' without a gap' : `, but ${gap} is missing`}`;
}

function counted(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}
