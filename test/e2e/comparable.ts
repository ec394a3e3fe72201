/** An object but for the fields that one made anew cannot share with the old one. */
import type { KubeObject } from './kubectl.ts';

const own = new Set(['uid', 'resourceVersion', 'creationTimestamp', 'generation', 'managedFields']);

export function comparable(object: KubeObject): Record<string, unknown> {
  const fields = Object.entries(object).filter(([name]) => name !== 'status');
  return {
    ...Object.fromEntries(fields),
    metadata: Object.fromEntries(Object.entries(object.metadata).filter(([name]) => !own.has(name))),
  };
}
