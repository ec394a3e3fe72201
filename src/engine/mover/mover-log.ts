/** What restic tells while it works and at its end, as JSON lines: https://restic.readthedocs.io/en/stable/075_scripting.html#json-output */
import { isFileId } from '../../repository/paths.ts';
import type { Fields } from '../selection/fields.ts';
import { fieldsOf, textOf } from '../selection/fields.ts';

/** Bytes of what is being read or written. */
export interface MoverProgress {
  readonly bytesDone: number;
  readonly totalBytes: number;
}

/** Of a copy that is in the repository. */
export interface MoverSummary {
  /** By which restic knows it. */
  readonly snapshotId: string;
  readonly files: number;
  /** Bytes of the files that were looked at. */
  readonly bytesRead: number;
  /** Bytes that no earlier copy had. */
  readonly bytesAdded: number;
  /** Bytes that those take in the store. */
  readonly bytesStored: number;
}

/** The last word on how far it is; undefined before there is one. */
export function progressIn(log: string): MoverProgress | undefined {
  const status = messagesIn(log).findLast((message) => message['message_type'] === 'status' && message['total_bytes'] !== undefined);
  if (!status) return undefined;
  return { bytesDone: numberOf(status['bytes_done'] ?? status['bytes_restored']), totalBytes: numberOf(status['total_bytes']) };
}

/** Undefined where the copy did not come to its end. */
export function summaryIn(log: string): MoverSummary | undefined {
  const found = messagesIn(log).findLast((message) => message['message_type'] === 'summary');
  const snapshotId = textOf(found?.['snapshot_id']);
  if (!found || snapshotId === undefined || !isFileId(snapshotId)) return undefined;
  return {
    snapshotId,
    files: numberOf(found['total_files_processed']),
    bytesRead: numberOf(found['total_bytes_processed']),
    bytesAdded: numberOf(found['data_added']),
    bytesStored: numberOf(found['data_added_packed']),
  };
}

/** Of files that are there again. */
export interface RestoreSummary {
  /** Files, folders and links that were written. */
  readonly files: number;
  /** Files that were there already, with the same bytes. */
  readonly filesUnchanged: number;
  /** Bytes that were written. */
  readonly bytesRestored: number;
}

/** Undefined where they did not all come back. */
export function restoredIn(log: string): RestoreSummary | undefined {
  const found = messagesIn(log).findLast((message) => message['message_type'] === 'summary');
  if (!found) return undefined;
  return {
    files: numberOf(found['files_restored']),
    filesUnchanged: numberOf(found['files_skipped']),
    bytesRestored: numberOf(found['bytes_restored']),
  };
}

/** What a prune has freed, in restic's words; undefined where it did not come so far. */
export const freedIn = (log: string): string | undefined => /^total prune: +(.+)$/m.exec(log)?.[1];

/** How restic 0.18 tells of a check that has found something, and of a file of the repository that is missing or not what was written. */
const damage =
  /repository contains errors|ciphertext verification failed|<(data|index)\/[0-9a-f]+> does not exist|not found in (index|repository)|invalid (data|hash)/;

/** Whether the repository was found damaged; otherwise it failed for another reason. */
export const isDamagedIn = (log: string): boolean =>
  [...messagesIn(log).map(wordsWithoutName), ...plainLinesOf(log)].some((words) => damage.test(words));

/** What went wrong, in restic's words: the first fault of a file, or the last words. */
export function faultIn(log: string): string {
  const messages = messagesIn(log);
  const ofFile = messages.find((message) => message['message_type'] === 'error');
  if (ofFile) return [textOf(ofFile['item']), wordsOf(ofFile)].filter((text) => text !== undefined).join(': ');
  const exit = messages.findLast((message) => message['message_type'] === 'exit_error');
  const words = textOf(exit?.['message']) ?? plainLinesOf(log).at(-1);
  return words ?? 'it said nothing';
}

/** Of a file that was not read or written, or of a check. */
const wordsOf = (message: Fields) => (textOf(fieldsOf(message['error'])['message']) ?? textOf(message['message']) ?? 'unknown').trim();

/** A name may say anything. */
const wordsWithoutName = (message: Fields) => wordsOf(message).replaceAll(textOf(message['item']) ?? '', '');

function messagesIn(log: string): readonly Fields[] {
  return linesOf(log).flatMap((line) => {
    try {
      return line.startsWith('{') ? [fieldsOf(JSON.parse(line))] : [];
    } catch {
      return [];
    }
  });
}

const plainLinesOf = (log: string) => linesOf(log).filter((line) => !line.startsWith('{'));

const linesOf = (log: string) => log.split('\n').filter((line) => line.trim() !== '');

const numberOf = (value: unknown) => (typeof value === 'number' ? value : 0);
