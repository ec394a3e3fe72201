/**
 * Where the repository of a namespace lies in the store: below restic/ in restic's own layout, so that plain restic can open it there
 * (https://restic.readthedocs.io/en/stable/100_references.html#repository-layout), and beside it what only Kylon reads.
 */

/** The kinds of files in a repository, but its one `config`. */
export const fileKinds = ['data', 'index', 'keys', 'locks', 'snapshots'] as const;
export type FileKind = (typeof fileKinds)[number];

/** Where a repository is: `domain` names the cluster in the store. */
export interface Place {
  readonly domain: string;
  readonly namespace: string;
}

const volumesFolder = ({ domain, namespace }: Place) => `d/${domain}/volumes/${namespace}/`;

export const secretsKey = (place: Place) => `${volumesFolder(place)}secrets.json`;

/** Who has written a file of the repository, by its id. */
export const writerKey = (place: Place, id: string) => `${volumesFolder(place)}writers/${id}`;

/** All of the repository; ends with a slash. */
export const resticFolder = (place: Place) => `${volumesFolder(place)}restic/`;

export const configKey = (place: Place) => `${resticFolder(place)}config`;

/** All files of one kind; ends with a slash. */
export const kindFolder = (place: Place, kind: FileKind) => `${resticFolder(place)}${kind}/`;

/** The marks of snapshots that were forgotten, of all namespaces: where one list finds them, and no pack. Ends with a slash. */
export const marksFolder = (domain: string) => `d/${domain}/forgotten/`;

/** Those of one namespace; ends with a slash. */
export const marksOf = ({ domain, namespace }: Place) => `${marksFolder(domain)}${namespace}/`;

/** How far the repositories of all namespaces have been checked, beside the marks for the same reason. Ends with a slash. */
export const checksFolder = (domain: string) => `d/${domain}/checked/`;

/** Of one namespace; ends with a slash. */
export const checksOf = ({ domain, namespace }: Place) => `${checksFolder(domain)}${namespace}/`;

/** Of a file by its id, which `isFileId`. */
export function fileKey(place: Place, kind: FileKind, id: string): string {
  return `${kindFolder(place, kind)}${kind === 'data' ? `${id.slice(0, 2)}/` : ''}${id}`;
}

/** The id of a file is the SHA-256 of its bytes, in hexadecimal digits. */
export const isFileId = (text: string) => /^[0-9a-f]{64}$/.test(text);
