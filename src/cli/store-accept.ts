/** `kylon store accept-rollback`: goes on with a store that has gone back. docs/operations.md says when that is right. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { createLog } from '../base/log.ts';
import type { AcceptanceParts, Survey } from '../catalog/rollback/acceptance.ts';
import { acceptRollback, surveyRollback } from '../catalog/rollback/acceptance.ts';
import type { AnchorPoint } from '../catalog/rollback/anchor.ts';
import { anchorFile, fileAnchor } from '../catalog/rollback/file-anchor.ts';
import { indexHome } from '../catalog/local-index/index-home.ts';
import { domainPattern } from '../catalog/paths.ts';
import type { ObjectStore } from '../objectstore/objectstore.ts';
import type { OpenedStore } from '../objectstore/open.ts';
import { openExisting } from './existing-store.ts';
import type { Terminal } from './terminal.ts';

interface Flags {
  readonly domain: string;
  readonly data?: string;
  readonly encryptionKeys?: string;
  readonly empty?: boolean;
  readonly force?: boolean;
  readonly yes?: boolean;
}

export function acceptCommand(terminal: Terminal): Command {
  return new Command('accept-rollback')
    .description(
      'Goes on with a store that was rolled back, emptied or eaten, and with what is left of its catalog. Stop all replicas first.',
    )
    .argument('<url>', 'the object store, as --store of the server names it')
    .requiredOption('--domain <domain>', 'whose catalog: the uid of a cluster, as the refusal has named it')
    .option('--data <dir>', 'folder --data of a replica: numbers go on behind those that it remembers')
    .option('--encryption-keys <file>', 'keys of an encrypted store, as the server is given them')
    .option('--empty', 'the store was emptied, and there is no --data: begin the log anew')
    .option('--force', 'let numbers jump though nothing is seen to be wrong, because there is no --data of the replica that refuses')
    .option('--yes', 'do it; without this, what would be done is only shown, and the exit code is 1')
    .action((url: string, flags: Flags) => run(terminal, url, flags));
}

async function run(terminal: Terminal, url: string, flags: Flags): Promise<void> {
  const { domain, data, yes, empty: mayBeEmpty = false } = flags;
  const signal = AbortSignal.any([]);
  if (!domainPattern.test(domain)) throw new Error(`--domain: "${domain}" is not the uid of a cluster, nor playground`);
  await using opened = new AsyncDisposableStack();
  const found = await openWritable(terminal, url, flags, signal);
  const store = opened.adopt(found.store, (one) => one.close());
  const seen = data === undefined ? undefined : await remembered(resolve(data), store, domain, signal);
  const folder = opened.adopt(await mkdtemp(join(tmpdir(), 'kylon-')), (one) => rm(one, { recursive: true }));
  const { clock, ids } = terminal;
  const scratch = indexHome(join(folder, 'index'));
  const log = createLog('warn');
  const parts: AcceptanceParts = { store, encrypted: found.encrypted, domain, seen, mayBeEmpty, scratch, clock, ids, log };
  const survey = await surveyRollback(parts, signal);
  show(terminal, survey);
  if (isDone(survey)) return;
  if (survey.fault === undefined && flags.force !== true) throw new Error(`nothing is wrong with this log: ${remedyOf(data)}`);
  if (!yes) throw new Error('nothing was changed: stop all replicas, then run this again with --yes');
  await acceptRollback(parts, survey, signal);
  terminal.say('Done. Start the replicas again: clients list and watch anew.');
}

async function openWritable(terminal: Terminal, url: string, { encryptionKeys }: Flags, signal: AbortSignal): Promise<OpenedStore> {
  const found = await openExisting(url, { ...terminal, encryptionKeys }, signal);
  if (found.readOnly === undefined) return found;
  await found.store.close();
  throw new Error(`${found.store.name} cannot be written: ${found.readOnly}`);
}

async function remembered(data: string, store: ObjectStore, domain: string, signal: AbortSignal): Promise<AnchorPoint> {
  if (!existsSync(data)) throw new Error(`--data: there is no folder ${data}: name that of a replica, or none`);
  const file = anchorFile(data, store.name, domain);
  const point = await fileAnchor(file).read(signal);
  if (point === undefined)
    throw new Error(`--data: there is no anchor of this store and domain, ${file}: name the folder of a replica, or none`);
  return point;
}

function remedyOf(data: string | undefined): string {
  return data === undefined
    ? 'it is whole up to its end; if a replica refuses it, give the folder of that one by --data'
    : 'it has all that --data remembers; if another replica refuses it, give the folder of that one';
}

function isDone({ fault, firstRV }: Survey): boolean {
  return fault === undefined && firstRV === undefined;
}

/** Keys that are shown by name; of more, only the first. */
const mostShown = 20;

function show(terminal: Terminal, survey: Survey): void {
  const say = (text: string) => terminal.say(text);
  const { head, beyond, bridged, hasMarker, fault, firstRV } = survey;
  if (fault !== undefined) say(`Wrong is: ${fault}.`);
  say(head.n === 0 ? 'Nothing is left of the log.' : `The log is whole up to segment ${head.n}, resourceVersion ${head.rv}.`);
  say(
    `Beyond that, to be moved to lost/: ${beyond.length === 0 ? 'nothing' : `${beyond.length} ${beyond.length === 1 ? 'object' : 'objects'}`}.`,
  );
  for (const key of beyond.slice(0, mostShown)) say(`  ${key}`);
  if (beyond.length > mostShown) say('  …');
  if (bridged.length > 0) say(`In front of a gap, to be moved there too: up to ${bridged.at(-1)}.`);
  if (!hasMarker) say('The marker kylon.json is missing, to be made anew.');
  say(firstRV === undefined ? 'Numbers have jumped already.' : `Numbers are to go on at ${firstRV}.`);
}
