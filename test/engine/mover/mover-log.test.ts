import { expect, it } from 'vitest';
import { faultIn, freedIn, isDamagedIn, progressIn, restoredIn, summaryIn } from '../../../src/engine/mover/mover-log.ts';

const status = '{"message_type":"status","percent_done":0.5,"total_files":4,"total_bytes":200,"bytes_done":100}';
const snapshotId = 'ab'.repeat(32);
const summary = `{"message_type":"summary","files_new":2,"data_added":90,"data_added_packed":40,"total_files_processed":4,"total_bytes_processed":200,"snapshot_id":"${snapshotId}"}`;

it('finds how far it is in the last status', () => {
  expect(progressIn(`using parent snapshot\n${status.replace('100', '50')}\n${status}\n{"message_type":"sta`)).toEqual({
    bytesDone: 100,
    totalBytes: 200,
  });
  expect(progressIn('{"message_type":"status","total_bytes":7,"bytes_restored":3}')).toEqual({ bytesDone: 3, totalBytes: 7 });
  expect(progressIn('nothing yet')).toBeUndefined();
});

it('finds what was made', () => {
  expect(summaryIn(`${status}\n${summary}\n`)).toEqual({ snapshotId, files: 4, bytesRead: 200, bytesAdded: 90, bytesStored: 40 });
  expect(summaryIn(status)).toBeUndefined();
  expect(summaryIn(summary.replace(snapshotId, '../../keys'))).toBeUndefined();
});

it('finds what came back', () => {
  const end = '{"message_type":"summary","total_files":4,"files_restored":3,"files_skipped":1,"total_bytes":9,"bytes_restored":6}';
  expect(restoredIn(`${status}\n${end}\n`)).toEqual({ files: 3, filesUnchanged: 1, bytesRestored: 6 });
  expect(restoredIn('{"message_type":"summary"}')).toEqual({ files: 0, filesUnchanged: 0, bytesRestored: 0 });
  expect(restoredIn(status)).toBeUndefined();
});

it('finds why it failed: a file first, then what it said at its end', () => {
  const ofFile = '{"message_type":"error","error":{"message":"permission denied"},"during":"archival","item":"/volume/key"}';
  const exit = '{"message_type":"exit_error","code":10,"message":"Fatal: repository does not exist"}';
  expect(faultIn(`${ofFile}\n${summary}\n${exit}`)).toBe('/volume/key: permission denied');
  expect(faultIn(`${status}\n${exit}`)).toBe('Fatal: repository does not exist');
  expect(faultIn('sh: restic: not found\n')).toBe('sh: restic: not found');
  expect(faultIn('')).toBe('it said nothing');
});

it('finds what a prune has freed, and what a check has found', () => {
  const prune = 'to repack:            0 blobs / 0 B\ntotal prune:         15 blobs / 40.002 MiB\nremaining:            9 blobs / 1 KiB\n';
  expect(freedIn(prune)).toBe('15 blobs / 40.002 MiB');
  expect(freedIn('loading indexes...')).toBeUndefined();
  const found = '{"message_type":"error","message":"pack 12ab: does not exist\\n"}';
  const damaged = '{"message_type":"exit_error","code":1,"message":"Fatal: repository contains errors"}';
  expect(faultIn(`${prune}${found}\n${damaged}`)).toBe('pack 12ab: does not exist');
  expect(isDamagedIn(`${prune}${found}\n${damaged}`)).toBe(true);
  expect(isDamagedIn(`${found}\n{"message_type":"exit_error","code":1,"message":"Fatal: connection refused"}`)).toBe(false);
});

it.each([
  ['decrypting blob <data/8b8fd4ed> from 174359f0 failed: ciphertext verification failed', true],
  ['ReadFull(<data/fc6eea78b1>): <data/fc6eea78b1> does not exist', true],
  ['id 8b8fd4ed not found in repository', true],
  ['open /volume/key: permission denied', false],
])('finds whether what could not be read is damaged: %s', (message, isDamaged) => {
  expect(isDamagedIn(JSON.stringify({ message_type: 'error', error: { message }, during: 'restore', item: '/volume/key' }))).toBe(
    isDamaged,
  );
  expect(isDamagedIn(`${status}\nFatal: ${message}\n`)).toBe(isDamaged);
});

it('does not take the name of a file for words of restic', () => {
  const item = '/volume/invalid data.csv';
  const error = { message_type: 'error', error: { message: `open ${item}: permission denied` }, during: 'archival', item };
  expect(isDamagedIn(JSON.stringify(error))).toBe(false);
});
