/** The rules by which a Backup takes volumes, and what can be wrong with them. Names and meaning are Velero's where it has them. */
import type { FieldError } from '../machinery/errors.ts';
import { choice, list, map, object, optional, text } from '../machinery/schema.ts';
import type { Static } from '../machinery/schema.ts';
import { accessModes, volumeModes } from './claim-modes.ts';
import { labelFaults } from './label-selector-faults.ts';
import { parseQuantity } from './quantities.ts';

/** What may be done with a volume: Skip leaves it, Move is moveData of a Snapshot, CSI and Copy are methods of one. */
export const volumeActions = ['CSI', 'Move', 'Copy', 'Skip'] as const;
export type VolumeAction = (typeof volumeActions)[number];

const several = { 'x-kubernetes-list-type': 'atomic', maxItems: 100 } as const;

const conditions = object('What must hold of a volume, all of it. Left out: the rule fits every volume. An empty list is as none.', {
  capacity: optional(
    text('Size of the volume: the least and the greatest with a comma between, as "10Gi,100Gi"; either may be left out, as ",5Gi".'),
  ),
  storageClass: optional(list('The StorageClass of the claim is one of these.', text('Name of a StorageClass.'), several)),
  driver: optional(list('The CSI driver of the volume is one of these.', text('Name of a CSI driver.'), several)),
  labels: optional(map('The claim has all of these labels, with these values.', text('Value that the label must have.'))),
  accessModes: optional(list('The claim has all of these access modes.', choice('One access mode.', accessModes), several)),
  volumeMode: optional(choice('The claim has this volume mode.', volumeModes)),
});

const rule = object('What is done with the volumes that it fits.', {
  conditions: optional(conditions),
  action: choice(
    'CSI takes the volume by a Snapshot of its CSI driver, Move copies that into the object store, Copy copies what tar reads in a Pod that uses it, Skip leaves it.',
    volumeActions,
  ),
});

export const volumes = object(
  'Which volumes of the claims that are taken are taken too, and how. Annotations of a claim and of its Pods are stronger.',
  {
    rules: optional(
      list(
        'The first one that fits decides. What none fits is taken by CSI where snapshotVolumes is true, and left otherwise.',
        rule,
        several,
      ),
    ),
  },
);

export type VolumeRule = Static<typeof rule>;

/** Everything that the schema does not see. */
export function volumeFaults({ rules = [] }: Static<typeof volumes> = {}): readonly FieldError[] {
  return rules.flatMap(({ conditions: { capacity, labels = {} } = {} }, index) => {
    const field = `spec.volumes.rules[${index}].conditions`;
    return [...(capacity === undefined ? [] : capacityFaults(`${field}.capacity`, capacity)), ...labelFaults(`${field}.labels`, labels)];
  });
}

function capacityFaults(field: string, value: string): readonly FieldError[] {
  const invalid = (detail: string): readonly FieldError[] => [{ field, type: 'Invalid value', value, detail }];
  const range = parseCapacity(value);
  if (!range) return invalid('must be two quantities with a comma between, such as 10Gi,100Gi, of which one may be left out');
  return range.least <= range.greatest ? [] : invalid('the first quantity must not be greater than the second');
}

/** In bytes, both included. */
export interface CapacityRange {
  readonly least: number;
  readonly greatest: number;
}

/** Undefined for a text that is none. */
export function parseCapacity(value: string): CapacityRange | undefined {
  const [first = '', second, ...more] = value.split(',').map((part) => part.trim());
  if (second === undefined || more.length > 0) return undefined;
  const least = first === '' ? 0 : parseQuantity(first);
  const greatest = second === '' ? Infinity : parseQuantity(second);
  return least === undefined || greatest === undefined ? undefined : { least, greatest };
}
