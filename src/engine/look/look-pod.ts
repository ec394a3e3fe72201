/** The Pod through which is looked into what the driver keeps of a Snapshot. It has a volume that is made of it, read-only, and ends by itself when nobody looks any more. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClusterObject } from '../../cluster/cluster.ts';
import type { Errand } from '../mover/mover-pod.ts';
import { madeFor } from '../snapshot/known.ts';
import { literal, mountsOf, podBeside, roomToWrite } from '../mover/mover-pod.ts';

const component = 'look';
const componentLabel = 'app.kubernetes.io/component';
/** Of the claim, beside those of all that helps. */
export const lookLabels = { [componentLabel]: component } as const;
/** Of all such claims. */
export const lookSelector = `${madeFor},${componentLabel} in (${component})`;

/** Seconds without anybody who looks. */
const idleTime = 300;

/** Run by sh in the container. */
const stay = readFileSync(join(import.meta.dirname, 'stay.sh'), 'utf8');

export function lookPod(errand: Errand, image: string, isRestricted: boolean): ClusterObject {
  const command = ['sh', '-c', literal(stay), 'sh', String(idleTime)];
  const container = { name: component, image, command, ...mountsOf(errand, [roomToWrite.mount]) };
  return podBeside(errand, { component, container, volumes: [roomToWrite.volume], isRestricted, gracePeriod: 1 });
}
