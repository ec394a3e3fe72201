/** What is said of requests for the files of a Snapshot that cannot be answered. */
import { badRequest, quote } from '../../machinery/errors.ts';
import type { ApiError } from '../../machinery/errors.ts';
import type { FileType } from '../../resources/services.ts';

export const noContinuation = (): ApiError => badRequest('continue key is not valid: it is not one that this server gave for this path');

export const noContent = (path: string, type: FileType): ApiError =>
  badRequest(`path: ${quote(path)} is a ${type}, which has no content and is not followed`);
