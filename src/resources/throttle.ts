/** How fast a mover may be, as users write it. */
import type { FieldError } from '../machinery/errors.ts';
import { object, optional, text } from '../machinery/schema.ts';
import type { Static } from '../machinery/schema.ts';
import { parseQuantity } from './quantities.ts';

/** Bytes a second; restic counts in KiB, and with more than 64 bits can count it does not move at all. */
const [least, most] = [1024, 1024 ** 4];

/** `more` says of what, and where it comes from by default. */
export const throttle = (more: string) =>
  object(`How fast data moves between a volume and the object store at most; each volume by itself. ${more}`, {
    upload: optional(text('Bytes a second into the object store, as a quantity such as 10Mi, from 1Ki to 1Ti. Default: no limit.')),
    download: optional(text('Bytes a second out of the object store, as a quantity such as 50Mi, from 1Ki to 1Ti. Default: no limit.')),
  });

export type Throttle = Static<ReturnType<typeof throttle>>;

export function throttleFaults({ upload, download }: Throttle = {}): readonly FieldError[] {
  return [...rateFaults('spec.throttle.upload', upload), ...rateFaults('spec.throttle.download', download)];
}

function rateFaults(field: string, value: string | undefined): readonly FieldError[] {
  if (value === undefined) return [];
  const rate = parseQuantity(value);
  if (rate !== undefined && rate >= least && rate <= most) return [];
  return [{ field, type: 'Invalid value', value, detail: 'must be a quantity of bytes a second, such as 10Mi, from 1Ki to 1Ti' }];
}
