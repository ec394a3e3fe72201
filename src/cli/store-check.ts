/** `kylon store check`: proves that a store can be used, and says what is in it. It leaves nothing behind. */
import { Command } from 'commander';
import type { CatalogSurvey, DomainSurvey } from '../catalog/place/survey.ts';
import { surveyCatalog } from '../catalog/place/survey.ts';
import type { ObjectStore } from '../objectstore/objectstore.ts';
import { openStore } from '../objectstore/open.ts';
import { probePrefix } from '../objectstore/probe/probe.ts';
import type { Terminal } from './terminal.ts';

/** Requests of each sort whose time is taken, one after the other, and the bytes of each. */
const samples = 20;
const sampleBytes = 1024;

export function checkCommand(terminal: Terminal): Command {
  return new Command('check')
    .description('Proves that an object store keeps its promises, and says what is in it. Leaves nothing behind.')
    .argument('<url>', 'the object store, as --store of the server names it')
    .action((url: string) => run(terminal, url));
}

async function run(terminal: Terminal, url: string): Promise<void> {
  const signal = AbortSignal.any([]);
  const tell = (promise: string) => terminal.say(`ok: ${promise}`);
  await using opened = new AsyncDisposableStack();
  const { store: found, readOnly } = await openStore(url, { ...terminal, tell }, signal);
  const store = opened.adopt(found, (one) => one.close());
  terminal.say(readOnly === undefined ? `${store.name} can be read and written.` : `${store.name} can only be read: ${readOnly}`);
  if (readOnly === undefined) await takeTimes(terminal, store, signal);
  tellCatalog(terminal, store, await surveyCatalog(store, signal));
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

function tellCatalog(terminal: Terminal, store: ObjectStore, { marker, domains }: CatalogSurvey): void {
  if (marker === undefined && domains.length === 0) return terminal.say('It holds no catalog: Kylon makes one at its first start.');
  if (marker === undefined)
    throw new Error(
      `kylon.json is missing in ${store.name}, but there is data of ${domains.length} domains: restore it, docs/operations.md`,
    );
  const encryption = marker.encryption === undefined ? 'not encrypted' : `encrypted with ${marker.encryption}`;
  terminal.say(`It holds a catalog of format ${marker.format}, ${encryption}; the id of the store is ${marker.store}.`);
  for (const domain of domains) terminal.say(`  domain ${domain.domain}: ${logOf(domain)}, ${domain.checkpoints} checkpoints`);
  const torn = domains.find(({ gap }) => gap !== undefined);
  if (torn !== undefined)
    throw new Error(
      `segment ${torn.gap} of domain ${torn.domain} is missing in ${store.name}: restore it, docs/operations.md says how to go on`,
    );
}

function logOf({ first, newest, gap }: DomainSurvey): string {
  if (newest === 0) return 'no segments';
  return `segments ${first} to ${newest}${gap === undefined ? ' without a gap' : `, but ${gap} is missing`}`;
}
