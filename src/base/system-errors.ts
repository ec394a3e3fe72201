/** What the system says of files and addresses, in words for people. */
import { messageOf } from './lifetime.ts';

/** What is not here is told in the words of the system. */
const causes: Readonly<Record<string, string>> = {
  ENOSPC: 'no space left on the device',
  EDQUOT: 'the disk quota is used up',
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  EROFS: 'the file system is read-only',
  ENOENT: 'it does not exist',
  ENOTDIR: 'a part of the path is a file, not a folder',
  EISDIR: 'it is a folder, not a file',
  ENAMETOOLONG: 'a part of the name is longer than the file system allows',
  EADDRNOTAVAIL: 'this machine does not have that address',
  ENOTFOUND: 'there is no such host',
  ECONNREFUSED: 'nobody listens there',
};

/** The error code of the system, such as ENOENT. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** Why it failed, to stand behind a colon. */
export function causeOf(error: unknown): string {
  return causes[codeOf(error) ?? ''] ?? messageOf(error);
}
