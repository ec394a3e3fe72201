/** Memory at the peak, while some thousand or some hundred thousand objects are backed up and restored. */
import { figure } from './figures.ts';
import type { Figure } from './figures.ts';
import { each } from './load.ts';
import type { Rig } from './rig.ts';
import { backUp, configMaps, createOne, inNamespaces, namesOf, restore } from './scene.ts';

/** How many objects each is about. */
export const memorySizes = { 'memory-20000': 20_000, 'memory-300000': 300_000 } as const;

const sources = namesOf('source', 8);
const targets = namesOf('target', sources.length);
/** MiB. */
const most = 250;

/** Of a rig that has done nothing before: memory that was taken once is given back late, or never. */
export async function benchMemory({ cluster, memory }: Rig, name: string, objects: number): Promise<Figure> {
  return inNamespaces(cluster, async (make) => {
    await make([...sources, ...targets]);
    await each(32, configMaps(sources, objects), (object) => createOne(cluster, object));
    await backUp(cluster, 'all', sources);
    const saved = memory.peak;
    await restore(cluster, 'all', 'all', Object.fromEntries(sources.map((source, n) => [source, targets[n] ?? ''])));
    const [idle, backup, whole] = [memory.idle, saved, memory.peak].map((bytes) => bytes / (1 << 20));
    console.log(
      `${name}: ${idle?.toFixed(0)} MiB after its start, ${backup?.toFixed(0)} at the peak of the backup, ${whole?.toFixed(0)} with its restore`,
    );
    return figure({
      name,
      value: whole ?? NaN,
      unit: 'MiB at the peak',
      against: 'the target',
      againstValue: most,
      goal: 1,
      better: 'lower',
    });
  });
}
