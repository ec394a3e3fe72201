/** Where a download goes: into a file, which is there whole or not at all, or to standard output. */
import { access } from 'node:fs/promises';
import type { Api } from '../api/api.ts';
import { Ending, exits } from '../exits.ts';
import { progressOf } from '../output/progress.ts';
import type { Shell } from '../shell.ts';
import { fetchAll } from './fetch.ts';
import type { Content, Sink } from './fetch.ts';
import { openPart } from './part-file.ts';
import { standardOutput } from './standard-output.ts';

export interface Place {
  /** `-` for standard output. */
  readonly file: string;
  /** Replaces a file that is there. */
  readonly force: boolean | undefined;
}

/** Gets all of it; false where that went to standard output. Rejects with an Ending. */
export async function keep(shell: Shell, api: Api, content: Content, place: Place): Promise<boolean> {
  if (place.file === '-') {
    await fetchInto(shell, api, content, standardOutput(shell));
    return false;
  }
  await requireRoom(place);
  await using part = await openPart(place.file, content, shell.signal);
  await fetchInto(shell, api, content, part);
  await part.finish();
  return true;
}

/** Rejects with an Ending where there is a file that must stay. */
export async function requireRoom({ file, force }: Place): Promise<void> {
  if (!force && (await exists(file))) throw new Ending(exits.no, `error: ${file} is there already: give --force or another --output`);
}

async function fetchInto(shell: Shell, api: Api, content: Content, sink: Sink): Promise<void> {
  const progress = progressOf(shell);
  const see = shell.isInteractive
    ? (done: number) => progress.show({ label: 'Downloading', done, total: content.bytes, unit: 'bytes' })
    : () => {};
  try {
    await fetchAll({ api, clock: shell.clock, tell: (text) => shell.tell(text) }, content, sink, see, shell.signal);
  } finally {
    progress.clear();
  }
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
