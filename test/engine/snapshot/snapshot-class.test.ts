import { describe, expect, it } from 'vitest';
import { chooseClass, snapshotClasses, veleroClass } from '../../../src/engine/snapshot/snapshot-class.ts';
import type { SnapshotClass } from '../../../src/engine/snapshot/snapshot-class.ts';

const { defaultClass } = snapshotClasses;
const plain = (name: string, driver = 'disk'): SnapshotClass => ({ metadata: { name }, driver });
const standard = (name: string, driver = 'disk'): SnapshotClass => ({
  metadata: { name, annotations: { [defaultClass]: 'true' } },
  driver,
});
const labelled = (name: string, driver = 'disk'): SnapshotClass => ({ metadata: { name, labels: { [veleroClass]: 'true' } }, driver });
const by = 'spec.volumeSnapshotClassName';

describe('the class of a snapshot', () => {
  it.each([
    ['the default of the driver', [plain('a'), standard('b'), standard('c', 'other')], undefined, 'b'],
    ['the one that Velero would take before the default', [standard('a'), labelled('b')], undefined, 'b'],
    ['the one that is named before both', [standard('a'), labelled('b'), plain('c')], 'c', 'c'],
  ])('is %s', (_, classes, name, expected) => {
    expect(chooseClass(snapshotClasses, classes, 'disk', name === undefined ? undefined : { name, by })).toBe(expected);
  });

  it.each([
    [
      'none',
      [standard('a', 'other')],
      undefined,
      'SnapshotClassNotFound',
      'the driver "disk" has no default VolumeSnapshotClass; its classes: none',
    ],
    [
      'none that is marked',
      [plain('a'), plain('b')],
      undefined,
      'SnapshotClassNotFound',
      'the driver "disk" has no default VolumeSnapshotClass; its classes: "a", "b"; name one in spec.volumeSnapshotClassName',
    ],
    [
      'two defaults',
      [standard('a'), standard('b')],
      undefined,
      'SnapshotClassAmbiguous',
      `the VolumeSnapshotClasses "a", "b" of the driver "disk" all have the annotation ${defaultClass}=true: name one in spec.volumeSnapshotClassName`,
    ],
    [
      'two with the label, whatever the default',
      [labelled('a'), labelled('b'), standard('c')],
      undefined,
      'SnapshotClassAmbiguous',
      `the VolumeSnapshotClasses "a", "b" of the driver "disk" all have the label ${veleroClass}=true: name one in spec.volumeSnapshotClassName`,
    ],
    ['an absent one', [], 'a', 'SnapshotClassNotFound', `${by} names the VolumeSnapshotClass "a", which is not there`],
    [
      'one of another driver',
      [plain('a', 'other')],
      'a',
      'SnapshotClassMismatch',
      `the VolumeSnapshotClass "a", which ${by} names, is of the driver "other", the volume is of "disk"`,
    ],
  ])('is not clear with %s', (_, classes, name, reason, message) => {
    const choose = () => chooseClass(snapshotClasses, classes, 'disk', name === undefined ? undefined : { name, by });
    expect(choose).toThrow(expect.objectContaining({ reason, message }));
  });
});
