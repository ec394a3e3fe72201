/** How many volumes are read or written through this process at once: the bytes of each pass through its memory. */
import type { Errand } from '../mover/mover-pod.ts';
import type { Sender } from '../mover/mover.ts';
import { Shares } from '../shares.ts';

/** In all, and of each namespace: one that is slow, or has asked to be, leaves room to others. */
export const createStreams = (): Shares => new Shares(8, 2);

/** Resolves when it is the turn of the namespace. Ends with the answer. */
export const shareOf = ({ parts, signal }: Sender, { owner }: Errand): Promise<Disposable> =>
  parts.streams.enter(owner.metadata.namespace ?? '', signal);
