/** `npm run bench`: Kylon side by side with what it is compared with, in one run, on the cluster of KUBECONFIG. */
import { parseArgs } from 'node:util';
import { benchCommits, commitNames } from './commit.ts';
import { benchContent, contentNames } from './content.ts';
import { benchDiscovery, discoveryNames } from './discovery.ts';
import { figure, table, writeJson } from './figures.ts';
import type { Figure } from './figures.ts';
import { benchMillion } from './million.ts';
import { benchChanges, changeNames } from './change.ts';
import { benchReads, besideCustomResource, readNames, seedBackups } from './read.ts';
import { startRig } from './rig.ts';
import type { Rig } from './rig.ts';
import { benchWatches, watchNames } from './watch.ts';
import { benchWork, workNames } from './work.ts';

/** Those that need a cluster. */
const besideNames: readonly string[] = [...readNames, ...watchNames, ...changeNames];
const rigNames: readonly string[] = [...besideNames, ...workNames, 'memory'];
const clusterNames: readonly string[] = [...rigNames, ...discoveryNames];
const names: readonly string[] = [...clusterNames, ...commitNames, ...contentNames, 'million'];
const usage = `Usage: npm run bench -- [--only NAME,…] [--quick] [--json FILE]
  --only NAME,…   some of: ${names.join(', ')}
  --quick         fewer objects, 3 rounds instead of 5: to see that it works, not for figures
  --json FILE     append one JSON object a line to this file
${clusterNames.join(', ')} need KUBECONFIG of a disposable cluster, with the rights of cluster-admin:
such as kind or minikube make. write-s3 needs KYLON_BENCH_S3, the URL of a bucket.`;

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
    const only = new Set(values.only?.split(',') ?? names);
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
  if (rigNames.some((name) => only.has(name))) figures.push(...(await measureOnCluster(kubeconfig, options)));
  if (only.has('discovery-delay')) figures.push(await benchDiscovery(kubeconfig, quick));
  figures.push(...(await benchCommits(only, quick)), ...(await benchContent(only, quick)));
  const wanted = figures.filter(({ name }) => only.has(name)).toSorted((a, b) => names.indexOf(a.name) - names.indexOf(b.name));
  return only.has('million') ? [...wanted, ...(await benchMillion(quick))] : wanted;
}

async function measureOnCluster(kubeconfig: string, { only, quick }: Options): Promise<Figure[]> {
  const beside = besideNames.some((name) => only.has(name));
  const backups = quick ? 1000 : 10_000;
  const rig = await startRig(kubeconfig, 64, async (folder, cluster) => {
    if (beside) await seedBackups(folder, cluster, backups);
  });
  try {
    const figures: Figure[] = [];
    // A backup and its restore make the peak of memory, so that takes both.
    const work = only.has('memory') ? new Set<string>(workNames) : only;
    if (workNames.some((name) => work.has(name)))
      figures.push(...(await benchWork(rig, work, { objects: quick ? 2000 : 50_000, rounds: quick ? 3 : 5 })));
    if (beside) figures.push(...(await benchBeside(rig, only, quick)));
    if (only.has('memory')) figures.push(memoryOf(rig));
    return figures;
  } finally {
    await rig.close();
  }
}

/** Changes come last: they leave more objects than there were. */
function benchBeside(rig: Rig, only: ReadonlySet<string>, quick: boolean): Promise<Figure[]> {
  return besideCustomResource(rig, async (names) => [
    ...(await benchReads(rig, only, names, quick)),
    ...(await benchWatches(rig, only, names, quick)),
    ...(await benchChanges(rig, only, names, quick)),
  ]);
}

/** Through all of this run, against the same process when it had just started. */
function memoryOf({ memory }: Rig): Figure {
  const mebibytes = (bytes: number) => bytes / (1 << 20);
  const [value, againstValue] = [mebibytes(memory.peak), mebibytes(memory.idle)];
  return figure({ name: 'memory', value, unit: 'MiB at the peak', against: 'after its start', againstValue, goal: null, better: 'lower' });
}
