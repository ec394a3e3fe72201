/** Asks for a verification, or joins the one that goes on, and waits for it as long as a request may take. */
import { rfc3339 } from '../../base/clock.ts';
import { conflict, notFound } from '../../machinery/errors.ts';
import { groupResource } from '../../machinery/keys.ts';
import type { KubeObject } from '../../machinery/object.ts';
import type { EngineParts } from '../parts.ts';
import { isDeleted, refOf } from '../runs/run-status.ts';
import { isVerifying, verificationOf, withVerification } from './verification.ts';

/** Milliseconds that the asker waits; kube-apiserver would give 60 seconds. */
const patience = 20_000;
const firstLook = 50;
const longestPause = 1_000;

export async function verifyBackup(parts: EngineParts, backup: KubeObject, signal: AbortSignal): Promise<KubeObject> {
  const { objects, backups, clock } = parts;
  const what = groupResource(backups);
  const { name, namespace = '', uid } = backup.metadata;
  const asked = await objects.update(backups, refOf(backup), 'status', (object) => asking(parts, object), signal);
  const deadline = clock.monotonic() + patience;
  let current = asked;
  for (let pause = firstLook; current && isVerifying(current) && clock.monotonic() < deadline; pause = Math.min(pause * 2, longestPause)) {
    await clock.sleep(pause, signal);
    current = await objects.get(backups, namespace, name, signal);
  }
  if (!current || current.metadata.uid !== uid) throw notFound(what, name);
  if (isDeleted(current)) throw conflict(what, name, 'it is being deleted');
  return current;
}

function asking({ backups, clock }: EngineParts, object: KubeObject): KubeObject {
  if (isDeleted(object)) throw conflict(groupResource(backups), object.metadata.name, 'it is being deleted');
  if (verificationOf(object)?.phase === 'InProgress') return object;
  const now = clock.now();
  const verification = { phase: 'InProgress', startTimestamp: rfc3339(now), items: 0, bytes: 0, faultCount: 0 } as const;
  return withVerification(object, verification, { status: 'Unknown', reason: 'InProgress', message: 'Is being verified.' }, now);
}
