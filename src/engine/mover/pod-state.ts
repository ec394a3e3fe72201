/** What a Pod is doing, and what its programs ended with. */
import type { ClusterObject } from '../../cluster/cluster.ts';
import { fieldsOf, textOf } from '../selection/fields.ts';

export const phaseOf = ({ status }: ClusterObject) => textOf(fieldsOf(status)['phase']);

export const hasEnded = (pod: ClusterObject) => /^(Succeeded|Failed)$/.test(phaseOf(pod) ?? '');

/** Whether it has ended, or is being deleted: nothing more is done in it. */
export const isOver = (pod: ClusterObject) => hasEnded(pod) || pod.metadata['deletionTimestamp'] !== undefined;

/** The exit code of what ends by signal n is 128 + n: as it does that has no more memory, or whose Pod or node goes. */
export const isOfSignal = (exitCode: number) => exitCode > 128;
