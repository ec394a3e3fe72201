import { RunFailed } from '../runs/failure.ts';

/** The driver of the volume, as far as the cluster tells, takes no snapshots at all: what is copied is the volume itself, where the spec allows that. */
export class DriverTakesNone extends RunFailed {}
