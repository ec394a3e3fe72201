/** `snapshot download`: a file of a snapshot, or a folder as a tar file. */
import { Argument, Command, Option } from 'commander';
import { humanSize } from '../../resources/cells.ts';
import type { OpenAnswer } from '../../cluster/client.ts';
import type { Api } from '../api/api.ts';
import { connected, withConnection } from '../api/connection.ts';
import type { ConnectionFlags } from '../api/connection.ts';
import { completing } from '../completion/sources.ts';
import type { Content } from '../download/fetch.ts';
import { keep, requireRoom } from '../download/keep.ts';
import type { Place } from '../download/keep.ts';
import { streamInto } from '../download/stream-file.ts';
import { snapshots } from '../objects/kinds.ts';
import { pathOf } from '../objects/kind.ts';
import { escaped } from '../output/escaped.ts';
import type { Shell } from '../shell.ts';

interface Flags extends ConnectionFlags {
  readonly path?: string;
  readonly output?: string;
  readonly force?: boolean;
}

type Source = Pick<Content, 'path' | 'query'>;

export function downloadFilesCommand(shell: Shell): Command {
  const command = new Command('download')
    .description(
      'Download a file of a snapshot, or a folder as a tar file. A file goes on where it was cut, also when this is called again; a folder does not.',
    )
    .addArgument(completing('snapshots', new Argument('<snapshot>', 'name of the snapshot')))
    .option('--path <path>', 'file or folder, from the root of the volume (default: the root)')
    .addOption(
      completing(
        'files',
        new Option('-o, --output <file>', 'where to put it, - for standard output (default: the name that it has, of a folder with .tar)'),
      ),
    )
    .option('--force', 'replace the file if there is one');
  return withConnection(command).action((name: string, flags: Flags) =>
    connected(shell, flags, async (api) => {
      const source = { path: pathOf(snapshots, api.namespace, name, 'proxy', 'download'), query: { path: flags.path } };
      const file = await lookAt(api, source, shell.signal);
      const place = { file: flags.output ?? nameOf(flags.path, `${api.namespace}-${name}`, file === undefined), force: flags.force };
      const bytes = file ? await keepFile(shell, api, { ...source, ...file }, place) : await keepFolder(shell, api, source, place);
      if (bytes !== undefined) shell.tell(`${escaped(place.file)}: ${humanSize(bytes)}`);
    }),
  );
}

/** How long a file is; undefined for a folder. The answer is given up after its head, since only that of a GET says why it is refused. */
async function lookAt(api: Api, source: Source, signal: AbortSignal): Promise<Pick<Content, 'bytes' | 'tag'> | undefined> {
  const { headers } = await given(api, source, signal, async (answer) => answer);
  const tag = headers.etag?.slice(1, -1);
  return tag === undefined ? undefined : { tag, bytes: Number(headers['content-length']) };
}

/** Undefined where it went to standard output. */
async function keepFile(shell: Shell, api: Api, file: Content, place: Place): Promise<number | undefined> {
  return (await keep(shell, api, file, place)) ? file.bytes : undefined;
}

async function keepFolder(shell: Shell, api: Api, source: Source, place: Place): Promise<number | undefined> {
  if (place.file !== '-') {
    await requireRoom(place);
    return given(api, source, shell.signal, ({ body }) => streamInto(place.file, body));
  }
  await given(api, source, shell.signal, async ({ body }) => {
    for await (const piece of body) await shell.write(piece);
  });
  return undefined;
}

/** What `use` makes of the answer, which is then over. */
async function given<T>(api: Api, source: Source, signal: AbortSignal, use: (answer: OpenAnswer) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  const request = { ...source, headers: { Accept: 'application/octet-stream, */*;q=0.5' } };
  try {
    return await use(await api.open(request, AbortSignal.any([signal, stop.signal])));
  } finally {
    stop.abort(new Error('the answer is not wanted any more'));
  }
}

/** A volume without a file system is one file. */
function nameOf(path: string | undefined, snapshot: string, isFolder: boolean): string {
  const last = path?.split('/').findLast((part) => part !== '');
  if (isFolder) return `${last ?? snapshot}.tar`;
  return last ?? `${snapshot}.img`;
}
