/**
 * What annotations of Pods say about the volumes of claims that they use, by the names that the Pods give them. Those of Velero mean the same:
 * https://velero.io/docs/main/file-system-backup/
 */
import { ClusterError } from '../../cluster/cluster.ts';
import { inParallel } from '../parallel.ts';
import type { Work } from '../runs/run.ts';
import { pods } from '../snapshot/known.ts';
import type { Choice, Claim } from './volume-choice.ts';

/** The stronger first: rather one volume too many in a backup than one too few. */
const annotations = [
  { key: 'backup.kylon.io/backup-volumes', action: 'CSI' },
  { key: 'backup.velero.io/backup-volumes', action: 'CSI' },
  { key: 'backup.kylon.io/backup-volumes-excludes', action: 'Skip' },
  { key: 'backup.velero.io/backup-volumes-excludes', action: 'Skip' },
] as const;

const listsAtOnce = 4;

/** What is looked at of a Pod. */
interface Pod {
  readonly metadata: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> };
  readonly spec?: { readonly volumes?: readonly PodVolume[] };
}

interface PodVolume {
  readonly name: string;
  readonly persistentVolumeClaim?: { readonly claimName: string };
  readonly ephemeral?: object;
}

/** By namespace and name of a claim. */
export class PodChoices {
  readonly #choices = new Map<string, Choice>();

  of({ namespace, name }: Claim): Choice | undefined {
    return this.#choices.get(`${namespace}/${name}`);
  }

  add(namespace: string, pod: Pod): void {
    for (const volume of pod.spec?.volumes ?? []) {
      const claimName = claimNameOf(pod, volume);
      const choice = claimName === undefined ? undefined : choiceOf(pod, volume);
      const key = `${namespace}/${claimName}`;
      if (choice && this.#choices.get(key)?.action !== 'CSI') this.#choices.set(key, choice);
    }
  }
}

/** Of all Pods there, read as the creator of the Backup. A namespace whose Pods cannot be listed is an error of the backup. */
export async function readPodChoices({ parts, creator, run, signal }: Work, namespaces: Iterable<string>): Promise<PodChoices> {
  const cluster = parts.cluster.as(creator);
  const choices = new PodChoices();
  await inParallel(namespaces, listsAtOnce, async (namespace) => {
    try {
      for await (const { items } of cluster.list(pods, { namespace }, signal))
        for (const item of items) choices.add(namespace, JSON.parse(Buffer.from(item).toString()) as Pod);
    } catch (error) {
      if (!(error instanceof ClusterError)) throw error;
      run.log.error(`what annotations of the Pods of ${namespace} say about volumes is not known: ${error.message}`);
    }
  });
  return choices;
}

/** An ephemeral volume has a claim of its own. */
function claimNameOf({ metadata }: Pod, { name, persistentVolumeClaim, ephemeral }: PodVolume): string | undefined {
  return persistentVolumeClaim?.claimName ?? (ephemeral && `${metadata.name}-${name}`);
}

function choiceOf({ metadata }: Pod, { name }: PodVolume): Choice | undefined {
  const found = annotations.find(({ key }) => namesIn(metadata.annotations?.[key]).includes(name));
  return found && { action: found.action, by: `the annotation ${found.key} of the Pod ${metadata.name}` };
}

const namesIn = (list = '') => list.split(',').map((name) => name.trim());
