/** `kylon store orphans`: what lies in a store and belongs to no Backup, Restore or Snapshot, and its removal. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { createLog } from '../base/log.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { openCatalog } from '../catalog/catalog.ts';
import { indexHome } from '../catalog/local-index/index-home.ts';
import { surveyCatalog } from '../catalog/place/survey.ts';
import type { Orphan, OrphanSource, OrphanSurvey } from '../engine/upkeep/orphans.ts';
import { findOrphans, removeOrphan } from '../engine/upkeep/orphans.ts';
import { eachObject } from '../machinery/in-process.ts';
import { humanDuration } from '../machinery/views/human-duration.ts';
import type { OpenedStore } from '../objectstore/open.ts';
import { backups } from '../resources/backup.ts';
import { humanSize } from '../resources/cells.ts';
import { restores } from '../resources/restore.ts';
import { snapshots } from '../resources/snapshot.ts';
import { openExisting } from './existing-store.ts';
import type { Terminal } from './terminal.ts';

interface Flags {
  readonly domain?: string;
  readonly encryptionKeys?: string;
  readonly delete?: boolean;
}

export function orphansCommand(terminal: Terminal): Command {
  return new Command('orphans')
    .description(
      'Finds data in a store that belongs to no Backup, Restore or Snapshot, such as that of one whose finalizer was removed by hand.',
    )
    .argument('<url>', 'the object store, as --store of the server names it')
    .option('--domain <domain>', 'of which cluster: its uid; needed where the store has data of several')
    .option('--encryption-keys <file>', 'keys of an encrypted store, as the server is given them')
    .option('--delete', 'remove what was found; without this, it is only shown')
    .action((url: string, flags: Flags) => run(terminal, url, flags));
}

async function run(terminal: Terminal, url: string, flags: Flags): Promise<void> {
  const signal = AbortSignal.any([]);
  await using opened = new AsyncDisposableStack();
  const found = await openExisting(url, { ...terminal, encryptionKeys: flags.encryptionKeys }, signal);
  const store = opened.adopt(found.store, (one) => one.close());
  const domain = await domainOf(found, flags, signal);
  const folder = opened.adopt(await mkdtemp(join(tmpdir(), 'kylon-')), (one) => rm(one, { recursive: true }));
  const catalog = opened.adopt(await openToRead(terminal, found, domain, join(folder, 'index'), signal), (one) => one.close());
  const kinds = { backup: backups, restore: restores, snapshot: snapshots };
  const objects: OrphanSource['objects'] = (word, signal) => eachObject(catalog, kinds[word], signal);
  const survey = await findOrphans({ store, domain, objects }, signal);
  show(terminal, survey);
  if (survey.folders === 0) return;
  if (!flags.delete) return terminal.say('Nothing was removed: --delete removes it.');
  if (found.readOnly !== undefined) throw new Error(`${store.name} cannot be written: ${found.readOnly}`);
  for (const orphan of survey.orphans) await removeOrphan(store, orphan, signal);
  terminal.say(`Removed ${survey.orphans.length} of ${survey.folders}.`);
}

async function domainOf({ store, encrypted }: OpenedStore, { domain }: Flags, signal: AbortSignal): Promise<string> {
  const { marker, domains } = await surveyCatalog(store, encrypted, signal);
  if (marker === undefined) throw new Error(`${store.name} holds no catalog`);
  const names = domains.map((one) => one.domain);
  const [first = ''] = names;
  if (domain === undefined && names.length > 1) throw new Error(`--domain: name one of ${names.join(', ')}`);
  if (domain !== undefined && !names.includes(domain)) throw new Error(`--domain: ${store.name} has nothing of ${domain}`);
  const chosen = domains.find((one) => one.domain === (domain ?? first));
  if (chosen === undefined || chosen.newest === 0)
    throw new Error(`${store.name} has no log of ${domain ?? 'any cluster'}: then nobody can say what belongs to whom`);
  if (chosen.fault !== undefined) throw new Error(`nobody can say what belongs to whom, for the catalog is damaged: ${chosen.fault}`);
  return chosen.domain;
}

/** Rejects where the server would refuse the catalog: then nobody can say what belongs to whom. */
function openToRead(
  terminal: Terminal,
  { store, encrypted }: OpenedStore,
  domain: string,
  folder: string,
  signal: AbortSignal,
): Promise<Catalog> {
  const { clock, ids } = terminal;
  const readOnly = 'it is only looked at';
  return openCatalog({
    store,
    encrypted,
    readOnly,
    domain,
    index: indexHome(folder),
    clock,
    ids,
    log: createLog('error'),
    replica: 'orphans',
    signal,
  });
}

function show(terminal: Terminal, { orphans, folders, bytes }: OrphanSurvey): void {
  if (folders === 0) return terminal.say('Everything belongs to a Backup or a Restore.');
  for (const orphan of orphans) terminal.say(lineOf(orphan, terminal.clock.now()));
  const size = `${humanSize(bytes)} in all`;
  terminal.say(orphans.length < folders ? `… and ${folders - orphans.length} more, ${size}` : `${folders} that belong to nobody, ${size}`);
}

function lineOf({ path, files, bytes, modified, holdsBackup }: Orphan, now: number): string {
  const age = modified === undefined ? 'of unknown age' : `${humanDuration(now - modified)} old`;
  const content = holdsBackup ? ', a backup that the catalog does not know' : '';
  return `  ${path}  ${humanSize(bytes)}, ${files} ${files === 1 ? 'file' : 'files'}, ${age}${content}`;
}
