/** What of a volume a Restore brings back into a claim that is in use, and where it puts it. */
import type { FieldError } from '../machinery/errors.ts';
import { object, optional, text } from '../machinery/schema.ts';
import type { Static } from '../machinery/schema.ts';

/** Linux knows no longer path. */
const longest = 4096;

export const volumeFiles = object(
  'One file, or one folder with all below it, of a Snapshot. It is put into the volume of the claim while Pods use that.',
  {
    path: text('Path of the file or folder in the Snapshot, from the root of the volume and without a slash in front, as conf/app.yaml.', {
      minLength: 1,
      maxLength: longest,
    }),
    targetDirectory: optional(
      text(
        'Path of the folder of the volume into which it is put under its own name, from the root of the volume; "." is the root. A folder that is not there is made. Default: the folder in which it was.',
        { minLength: 1, maxLength: longest },
      ),
    ),
  },
);

export type VolumeFiles = Static<typeof volumeFiles>;

/** Given fields that the schema allows. */
export function volumeFilesFaults(field: string, { path, targetDirectory }: VolumeFiles): readonly FieldError[] {
  return [
    ...pathFaults(`${field}.path`, path),
    ...(targetDirectory === undefined || targetDirectory === '.' ? [] : pathFaults(`${field}.targetDirectory`, targetDirectory)),
  ];
}

function pathFaults(field: string, value: string): readonly FieldError[] {
  const invalid = (detail: string): readonly FieldError[] => [{ field, type: 'Invalid value', value, detail }];
  if (value.startsWith('/')) return invalid('must not begin with a slash: it begins at the root of the volume, wherever Pods mount that');
  const parts = value.replace(/\/$/, '').split('/');
  if (parts.includes('..')) return invalid("must not contain '..'");
  if (parts.some((part) => part === '' || part === '.')) return invalid("must have a name between slashes, which is not '.'");
  if (value.includes('\0')) return invalid('must not contain NUL');
  if (!value.includes('\ufffd')) return [];
  return invalid('must not contain U+FFFD, which stands for bytes that are no UTF-8: name the folder in which such a file lies');
}
