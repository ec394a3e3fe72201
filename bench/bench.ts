/** `npm run bench`: Kylon side by side with what it is compared with, in one run, on the cluster of KUBECONFIG. */
import { parseArgs } from 'node:util';
import { benchCommits, commitNames } from './commit.ts';
import { benchContent, contentNames } from './content.ts';
import { benchDiscovery, discoveryNames } from './discovery.ts';
import { benchDownload, downloadNames } from './download.ts';
import { table, writeJson } from './figures.ts';
import type { Figure } from './figures.ts';
import { benchFiles, filesNames } from './files.ts';
import { benchLeast, leastNames } from './least.ts';
import { benchMemory, memorySizes } from './memory.ts';
import { benchMillion } from './million.ts';
import { benchMixed, mixedNames } from './mixed.ts';
import { benchChanges, changeNames } from './change.ts';
import { benchMove, moveNames } from './move.ts';
import { benchReads, besideCustomResource, readNames, seedBackups } from './read.ts';
import { startRig } from './rig.ts';
import type { Rig, RigOptions } from './rig.ts';
import { benchSnapshots, snapshotNames } from './snapshots.ts';
import { benchWatches, watchNames } from './watch.ts';
import { benchWork, workNames } from './work.ts';

/** Those that need a cluster. */
const besideNames: readonly string[] = [...readNames, ...watchNames, ...changeNames, ...leastNames];
const backupNames: readonly string[] = [...workNames, ...mixedNames, ...downloadNames];
const memoryNames = Object.keys(memorySizes);
const clusterNames: readonly string[] = [...besideNames, ...backupNames, ...memoryNames, ...discoveryNames, ...snapshotNames];
const names: readonly string[] = [...clusterNames, ...commitNames, ...contentNames, ...moveNames, ...filesNames, 'million'];
/** Takes many minutes, so it is left out unless it is named. */
const longest = 'memory-300000';
const usage = `Usage: npm run bench -- [--only NAME,…] [--quick] [--json FILE]
  --only NAME,…   some of: ${names.join(', ')}; without it all but ${longest}
  --quick         fewer objects, 3 rounds instead of 5: to see that it works, not for figures
  --json FILE     append one JSON object a line to this file
${clusterNames.join(', ')} need KUBECONFIG of a disposable cluster, with the rights of cluster-admin:
such as kind or minikube make; ${snapshotNames.join(', ')} one that takes snapshots of volumes.
write-s3 and move need KYLON_BENCH_S3, the URL of a bucket; where that is set,
${[...backupNames, ...memoryNames].join(', ')} use it too.
move and files-… need restic in PATH, or its path in RESTIC.`;

process.exitCode = await main();

async function main(): Promise<number> {
  const options = readOptions();
  const { KUBECONFIG } = process.env;
  if (typeof options === 'string' || (!KUBECONFIG && clusterNames.some((name) => options.only.has(name)))) {
    console.error(typeof options === 'string' ? options : usage);
    return 2;
  }
  const figures = await measure(KUBECONFIG ?? '', options);
  console.log(table(figures));
  for (const one of figures) console.log(JSON.stringify(one));
  if (options.json) writeJson(options.json, figures);
  return 0;
}

interface Options {
  readonly only: ReadonlySet<string>;
  readonly quick: boolean;
  readonly json: string | undefined;
}

/** Or what is wrong with them. */
function readOptions(): Options | string {
  try {
    const { values } = parseArgs({
      options: { only: { type: 'string' }, quick: { type: 'boolean' }, json: { type: 'string' }, help: { type: 'boolean' } },
    });
    const only = new Set(values.only?.split(',') ?? names.filter((name) => name !== longest));
    const unknown = [...only].filter((name) => !names.includes(name));
    if (values.help || unknown.length > 0) return unknown.length > 0 ? `unknown: ${unknown.join(', ')}\n${usage}` : usage;
    return { only, quick: values.quick ?? false, json: values.json };
  } catch (error) {
    return `${(error as Error).message}\n${usage}`;
  }
}

async function measure(kubeconfig: string, options: Options): Promise<Figure[]> {
  const { only, quick } = options;
  const figures: Figure[] = [];
  if (besideNames.some((name) => only.has(name))) figures.push(...(await benchBeside(kubeconfig, options)));
  if (backupNames.some((name) => only.has(name))) figures.push(...(await benchBackups(kubeconfig, options)));
  for (const [name, objects] of Object.entries(memorySizes).filter(([name]) => only.has(name)))
    figures.push(await onRig(kubeconfig, { mayUseS3: true }, (rig) => benchMemory(rig, name, quick ? objects / 10 : objects)));
  if (only.has('discovery-delay')) figures.push(await benchDiscovery(kubeconfig, quick));
  if (snapshotNames.some((name) => only.has(name))) figures.push(...(await onRig(kubeconfig, {}, benchSnapshots)));
  figures.push(...(await benchCommits(only, quick)), ...(await benchContent(only, quick)), ...(await benchMove(only, quick)));
  figures.push(...(await benchFiles(only, quick)));
  const wanted = figures.filter(({ name }) => only.has(name)).toSorted((a, b) => names.indexOf(a.name) - names.indexOf(b.name));
  return only.has('million') ? [...wanted, ...(await benchMillion(quick))] : wanted;
}

/** Changes come last: they leave more objects than there were. */
function benchBeside(kubeconfig: string, { only, quick }: Options): Promise<Figure[]> {
  const prepare: RigOptions['prepare'] = (folder, cluster) => seedBackups(folder, cluster, quick ? 1000 : 10_000);
  return onRig(kubeconfig, { prepare }, (rig) =>
    besideCustomResource(rig, async (names) => [
      ...(await benchReads(rig, only, names, quick)),
      ...(await benchWatches(rig, only, names, quick)),
      ...(await benchChanges(rig, only, names, quick)),
      ...(await benchLeast(rig, only, names, quick)),
    ]),
  );
}

function benchBackups(kubeconfig: string, { only, quick }: Options): Promise<Figure[]> {
  const rounds = quick ? 3 : 5;
  return onRig(kubeconfig, { mayUseS3: true }, async (rig) => {
    const figures = await benchWork(rig, only, { objects: quick ? 2000 : 50_000, rounds });
    if (mixedNames.some((name) => only.has(name))) figures.push(await benchMixed(rig, { objects: quick ? 2000 : 20_000, rounds }));
    if (downloadNames.some((name) => only.has(name))) figures.push(...(await benchDownload(rig, { mebibytes: quick ? 32 : 256, rounds })));
    return figures;
  });
}

async function onRig<T>(kubeconfig: string, options: RigOptions, work: (rig: Rig) => Promise<T>): Promise<T> {
  const rig = await startRig(kubeconfig, options);
  try {
    return await work(rig);
  } finally {
    await rig.close();
  }
}
