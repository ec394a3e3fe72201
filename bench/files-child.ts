/**
 * How soon a replica can look into a moved volume, in a process of its own: `files-child.ts STORE KEPT SNAPSHOT COUNT`, where KEPT is what it
 * keeps on its disk. Prints JSON, in seconds and MiB.
 */
import { systemClock } from '../src/base/clock.ts';
import { randomIds } from '../src/base/ids.ts';
import { createLog } from '../src/base/log.ts';
import { createMetrics } from '../src/base/metrics.ts';
import { openMovedTree } from '../src/engine/snapshot/moved-tree.ts';
import { openStore } from '../src/objectstore/open.ts';
import type { FileTree } from '../src/repository/reading/file-tree.ts';
import { openKeptIndexes } from '../src/repository/reading/kept-indexes.ts';
import { OpenRepositories } from '../src/repository/reading/open-repositories.ts';
import { createRepositories } from '../src/repository/store-repositories.ts';
import { median } from './figures.ts';
import { fileName, folderName, largeFolder } from './files-volume.ts';
import { timed } from './load.ts';
import { anonymousOf } from './own-process.ts';

const [url = '', folder = '', snapshotId = '', countText = '0'] = process.argv.slice(2);
const large = Number(countText) / 10;
const signal = AbortSignal.any([]);
const parts = { clock: systemClock, ids: randomIds, log: createLog('warn'), metrics: createMetrics(), env: process.env };
const { store } = await openStore(url, parts, signal);
const named = () => store;
const { repositories } = createRepositories({ ...parts, storeNamed: named, domain: 'bench' });
const kept = await openKeptIndexes(folder, parts);
const engine = { ...parts, stores: { named }, domain: 'bench', repositories, openRepositories: new OpenRepositories(kept) };

const idle = anonymousOf(process.pid);
const opened = await timed(() => page(folderName(0), 0));
const open = anonymousOf(process.pid);
const first: number[] = [];
const later: number[] = [];
const download: number[] = [];
for (let round = 1; round <= 20; round++) {
  first.push(await timed(() => page(folderName(round), 0)));
  later.push(await timed(() => page(largeFolder, large / 2 + round)));
  download.push(await timed(() => firstBytes(`${folderName(20 + round)}/${fileName(500)}`)));
}
await kept.settled();
await store.close();
console.log(JSON.stringify({ idle, open, opened, first: median(first), later: median(later), download: median(download) }));

/** Opened anew for each, as for each request. */
function tree(): Promise<FileTree> {
  return openMovedTree(engine, { storeName: 'default', namespace: 'files' }, snapshotId, signal);
}

async function page(path: string, start: number): Promise<void> {
  const files = await tree();
  const entry = await files.entry(path, signal);
  const entries = entry && (await files.list(entry, path, { limit: 500, start }, signal)).entries;
  if (entries?.length !== 500) throw new Error(`a page of ${entries?.length}`);
}

async function firstBytes(path: string): Promise<void> {
  const files = await tree();
  const entry = await files.entry(path, signal);
  for await (const bytes of entry ? files.content(entry, path, undefined, signal) : []) if (bytes.length > 0) return;
  throw new Error(`${path} is empty`);
}
