import { RunFailed } from '../runs/failure.ts';

/** The driver of the volume, as far as the cluster tells, takes no snapshots at all: what is copied is a clone, or the volume itself, where the spec allows that. */
export class DriverTakesNone extends RunFailed {}

/** It has no driver that could do anything. */
export class VolumeNotCSI extends DriverTakesNone {
  constructor(message: string) {
    super('VolumeNotCSI', message);
  }
}
