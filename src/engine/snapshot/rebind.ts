/**
 * Makes the volume of one claim that of another of its namespace, as the volume populators of Kubernetes do
 * (https://github.com/kubernetes-csi/lib-volume-populator). One write turns the volume to its new claim, so that there is no moment at which
 * it belongs to nobody and is reclaimed, whatever its policy; the binder of Kubernetes does the rest, and calls the claim before Lost. That one may
 * be deleted when the new one is Bound: earlier the binder may not have seen the write, and would take the volume for released.
 * As Kylon itself: volumes lie in no namespace, and users have no rights to them.
 */
import type { ClusterObject } from '../../cluster/cluster.ts';
import { notFound, quote } from '../../machinery/errors.ts';
import type { EngineParts } from '../parts.ts';
import { retried } from '../retry.ts';
import { RunFailed } from '../runs/failure.ts';
import { fieldsOf, textOf } from '../selection/fields.ts';
import { claims, filledFor, volumes } from './known.ts';

/** `from` is the uid of the claim before: no volume of any other is touched. Resolves to whether it was not done yet. Rejects with RunFailed. */
export async function rebind(
  { cluster, clock }: EngineParts,
  volumeName: string,
  from: string,
  to: ClusterObject,
  signal: AbortSignal,
): Promise<boolean> {
  return retried(clock, signal, async () => {
    const volume = await cluster.get(volumes, '', volumeName, signal);
    if (!volume) throw new RunFailed('VolumeNotFound', notFound(volumes, volumeName).message);
    if (isOf(volume, to.metadata.uid)) return false;
    if (!isOf(volume, from)) throw new RunFailed('VolumeTaken', `the volume ${quote(volumeName)} is of another claim by now`);
    const { resourceVersion } = volume.metadata;
    const { name, namespace, uid } = to.metadata;
    const claimRef = { apiVersion: 'v1', kind: claims.kind, namespace, name, uid, resourceVersion: null };
    await cluster.patch(
      volumes,
      '',
      volumeName,
      { metadata: { resourceVersion, annotations: { [filledFor]: null } }, spec: { claimRef } },
      {},
      signal,
    );
    return true;
  });
}

/** Whether the volume is that of the claim with this uid, and stays it. */
export function isOf({ metadata, spec }: ClusterObject, claimUid: string | undefined): boolean {
  const { uid } = fieldsOf(fieldsOf(spec)['claimRef']);
  return uid !== undefined && uid === claimUid && metadata['deletionTimestamp'] === undefined;
}

/** Whether the binder has given this volume to the claim. */
export const isBoundTo = ({ spec, status }: ClusterObject, volumeName: string) =>
  fieldsOf(status)['phase'] === 'Bound' && textOf(fieldsOf(spec)['volumeName']) === volumeName;
