/** `backup describe`, `restore describe`: all that the API says of an object, its Events, and what its log complains of. */
import { Argument, Command } from 'commander';
import type { KubeObject } from '../../machinery/object.ts';
import { humanDuration } from '../../machinery/views/human-duration.ts';
import type { Api } from '../api/api.ts';
import { connected, withConnection } from '../api/connection.ts';
import type { ConnectionFlags } from '../api/connection.ts';
import { Refusal } from '../api/refusal.ts';
import { pagesOf } from '../content/pages.ts';
import { completing } from '../completion/sources.ts';
import type { Source } from '../completion/sources.ts';
import { Ending, exits } from '../exits.ts';
import { descriptionOf, fieldsOf } from '../output/description.ts';
import { escaped } from '../output/escaped.ts';
import { linesOf } from '../output/lines.ts';
import { TableText } from '../output/table.ts';
import type { Shell } from '../shell.ts';
import { pathOf } from './kind.ts';
import type { WorkKind } from './kind.ts';
import { readObjects } from './reading.ts';

interface EventObject extends KubeObject {
  readonly type?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTimestamp?: string;
  readonly eventTime?: string;
  readonly source?: { readonly component?: string };
}

const eventsPerPage = '500';
/** Lines of the log that are shown; the log has all. */
const mostComplaints = 20;

export function describeCommand(shell: Shell, kind: WorkKind): Command {
  const command = new Command('describe')
    .description(`Show all that is known of ${kind.plural}: those named, or all of the namespace.`)
    .addArgument(completing(kind.plural as Source, new Argument('[names...]', `names of ${kind.plural}`)))
    .option('-l, --selector <selector>', 'those whose labels match');
  return withConnection(command).action((names: string[], { selector, ...flags }: ConnectionFlags & { readonly selector?: string }) =>
    connected(shell, flags, async (api) => {
      const choice = { kind, namespace: api.namespace, names, labelSelector: selector, fieldSelector: undefined };
      const { found, refusals } = await readObjects(api, choice, shell.signal);
      for (const [index, object] of found.entries())
        await shell.write((index > 0 ? '\n\n' : '') + (await textOf(shell, api, kind, object)));
      if (found.length === 0 && names.length === 0) shell.tell(`No resources found in ${api.namespace} namespace.`);
      for (const { message } of refusals) shell.tell(message);
      if (refusals.length > 0) throw new Ending(exits.refused);
    }),
  );
}

async function textOf(shell: Shell, api: Api, kind: WorkKind, object: KubeObject): Promise<string> {
  const { metadata, apiVersion, kind: name, ...fields } = object;
  const { name: own, namespace, labels, annotations, managedFields: _, ...more } = metadata;
  const texts = (pairs: Readonly<Record<string, string>> = {}, sign: string) =>
    Object.entries(pairs).map(([key, value]) => key + sign + value);
  const head = descriptionOf([
    ['Name', own],
    ['Namespace', namespace],
    ['Labels', texts(labels, '=')],
    ['Annotations', texts(annotations, ': ')],
    ['API Version', apiVersion],
    ['Kind', name],
    ['Metadata', more],
    ...fieldsOf(fields),
  ]);
  return head + (await complaintsOf(shell, api, kind, object)) + (await eventsOf(shell, api, object));
}

/** Warnings and errors of the log, where the status counts some. */
async function complaintsOf({ signal }: Shell, api: Api, kind: WorkKind, { metadata, status }: KubeObject): Promise<string> {
  const { errors = 0, warnings = 0 } = (status ?? {}) as { errors?: number; warnings?: number };
  if (!kind.hasLog || errors + warnings === 0) return '';
  return said('Log', async () => {
    const lines: string[] = [];
    const path = pathOf(kind, metadata.namespace ?? '', metadata.name, 'log');
    const { body } = await api.open({ path, headers: { Accept: '*/*' } }, signal);
    for await (const line of linesOf(body)) if (/^(WARN|ERROR) /.test(line)) lines.push(`  ${escaped(line)}`);
    const rest = lines.length - mostComplaints;
    return [...lines.slice(0, mostComplaints), ...(rest > 0 ? [`  … and ${rest} more\n`] : [])].join('');
  });
}

async function eventsOf({ clock, signal }: Shell, api: Api, { metadata }: KubeObject): Promise<string> {
  return said('Events', async () => {
    const path = `/api/v1/namespaces/${encodeURIComponent(metadata.namespace ?? '')}/events`;
    const query = { fieldSelector: `involvedObject.uid=${metadata.uid}`, limit: eventsPerPage };
    const events: EventObject[] = [];
    for await (const { items } of pagesOf<EventObject>(api, path, query, signal)) events.push(...(items ?? []));
    if (events.length === 0) return '';
    const rows = inOrder(events).map((event) => [
      event.type ?? '',
      event.reason ?? '',
      humanDuration(clock.now() - timeOf(event)),
      event.source?.component ?? '',
      event.message ?? '',
    ]);
    const lines = new TableText().lines([['Type', 'Reason', 'Age', 'From', 'Message'], ...rows]);
    return lines.replaceAll(/^(?=.)/gm, '  ');
  });
}

/** The last one last, as kubectl shows them. */
const inOrder = (events: readonly EventObject[]) => events.toSorted((a, b) => timeOf(a) - timeOf(b));

const timeOf = ({ lastTimestamp, eventTime }: EventObject) => Date.parse(lastTimestamp ?? eventTime ?? '');

/** A part that may be refused: then the refusal stands in its place. */
async function said(title: string, work: () => Promise<string>): Promise<string> {
  try {
    const text = await work();
    return text === '' ? `${title}:  <none>\n` : `${title}:\n${text}`;
  } catch (error) {
    if (error instanceof Refusal) return `${title}:  <unknown>: ${error.message}\n`;
    throw error;
  }
}
