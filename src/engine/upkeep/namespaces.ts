/**
 * The playground's namespace controller: empties a namespace that is being deleted, then lets it go.
 * What outlives its namespace stays. https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/
 */
import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import { messageOf } from '../../base/lifetime.ts';
import type { KubeObject } from '../../machinery/object.ts';
import type { ObjectRef, Objects } from '../../machinery/objects.ts';
import type { ResourceDefinition } from '../../machinery/resource.ts';
import { WorkQueue } from '../runs/queue.ts';
import { isDeleted, refOf } from '../runs/run-status.ts';

export interface NamespaceControllerParts {
  readonly objects: Objects;
  readonly namespaces: ResourceDefinition;
  readonly definitions: readonly ResourceDefinition[];
  readonly clock: Clock;
  readonly log: Log;
}

const finalizer = 'kubernetes';
/** Milliseconds until a namespace that still holds objects is looked at again. */
const lookAgain = 200;
const limit = 10_000;

/** Runs until the signal aborts. */
export async function runNamespaceController(parts: NamespaceControllerParts, signal: AbortSignal): Promise<void> {
  const queue = new WorkQueue<ObjectRef>({
    name: 'the deletion of a namespace',
    concurrency: 2,
    limit,
    clock: parts.clock,
    log: parts.log,
    groupOf: ({ name }) => name,
    work: (target, signal) => empty(parts, target, signal),
  });
  await Promise.all([queue.run(signal), follow(parts, queue, signal)]);
}

async function follow({ objects, namespaces, clock, log }: NamespaceControllerParts, queue: WorkQueue<ObjectRef>, signal: AbortSignal) {
  while (!signal.aborted) {
    try {
      for await (const change of objects.watch(namespaces, signal)) see(change, queue);
    } catch (error) {
      if (signal.aborted) return;
      log.warn('namespaces are watched again', { error: messageOf(error) });
      await clock.sleep(1_000, signal).catch(() => {});
    }
  }
}

function see({ type, object }: { readonly type: string; readonly object: KubeObject }, queue: WorkQueue<ObjectRef>): void {
  const target = refOf(object);
  if (type !== 'DELETED' && isDeleted(object)) queue.add(target.uid, target);
}

async function empty(parts: NamespaceControllerParts, target: ObjectRef, signal: AbortSignal): Promise<number | undefined> {
  const namespace = await parts.objects.get(parts.namespaces, '', target.name, signal);
  if (!namespace || namespace.metadata.uid !== target.uid || !isDeleted(namespace)) return undefined;
  await parts.objects.update(parts.namespaces, target, 'status', terminating, signal);
  const left = await deleteContent(parts, target.name, signal);
  if (left > 0) return lookAgain;
  await parts.objects.update(parts.namespaces, target, 'object', withoutFinalizer, signal);
  return undefined;
}

function terminating(namespace: KubeObject): KubeObject {
  const status = namespace.status as { readonly phase?: string } | undefined;
  return status?.phase === 'Terminating' ? namespace : { ...namespace, status: { ...status, phase: 'Terminating' } };
}

/** How many objects are still there. */
async function deleteContent({ objects, definitions }: NamespaceControllerParts, namespace: string, signal: AbortSignal): Promise<number> {
  let left = 0;
  for (const definition of definitions.filter(({ namespaced }) => namespaced)) {
    const found = async () => (await objects.list(definition, { namespace }, signal)).filter(goes(definition));
    for (const object of await found()) if (!isDeleted(object)) await objects.delete(definition, refOf(object), signal);
    left += (await found()).length;
  }
  return left;
}

const goes =
  ({ rules }: ResourceDefinition) =>
  (object: KubeObject) =>
    !rules.outlivesNamespace?.(object);

/** Of the metadata and of the spec, where Namespaces have theirs. */
function withoutFinalizer(namespace: KubeObject): KubeObject {
  const { finalizers = [], ...metadata } = namespace.metadata;
  const kept = finalizers.filter((name) => name !== finalizer);
  const spec = namespace.spec as { readonly finalizers?: readonly string[] } | undefined;
  return {
    ...namespace,
    metadata: { ...metadata, ...(kept.length > 0 && { finalizers: kept }) },
    ...(spec && { spec: { ...spec, finalizers: (spec.finalizers ?? []).filter((name) => name !== finalizer) } }),
  };
}
