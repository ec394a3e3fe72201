/** What the commands that create have in common: their flags, and how an object is made of them. */
import { Option } from 'commander';
import type { Command } from 'commander';
import type { KubeObject } from '../../machinery/object.ts';
import type { Api } from '../api/api.ts';
import type { ConnectionFlags } from '../api/connection.ts';
import { completing } from '../completion/sources.ts';
import { UsageError } from '../exits.ts';
import { boolean, listed, pairs } from '../flag-values.ts';
import { isStructured, outputOption, structuredText } from '../output/format.ts';
import type { Format } from '../output/format.ts';
import type { Shell } from '../shell.ts';
import { dryRunOption, dryRunQuery, dryRunText } from './dry-run.ts';
import type { DryRun } from './dry-run.ts';
import { collectionOf, fullName, withoutManagers } from './kind.ts';
import type { WorkKind } from './kind.ts';
import { specSelector, specSelectors } from './label-selectors.ts';
import type { Manifest } from './manifest.ts';
import { awaitWork } from './work.ts';

type Names = readonly string[];
type Pairs = Readonly<Record<string, string>>;

export interface CreateFlags extends ConnectionFlags {
  readonly filename?: string;
  readonly labels?: Pairs;
  readonly annotations?: Pairs;
  readonly dryRun: DryRun;
  readonly output?: Format;
  readonly wait?: boolean;
}

/** Of what holds many objects. */
export interface SelectionFlags {
  readonly includeNamespaces?: Names;
  readonly excludeNamespaces?: Names;
  readonly includeResources?: Names;
  readonly excludeResources?: Names;
  readonly includeClusterResources?: boolean;
  readonly selector?: string;
  readonly orSelector?: string;
}

export function withCreateFlags(command: Command): Command {
  return command
    .addOption(completing('files', new Option('-f, --filename <file>', 'manifest to begin with, - for standard input; flags add to it')))
    .option('--labels <pairs>', 'labels for the new object, as team=shop,env=test', pairs('labels', '='))
    .option('--annotations <pairs>', 'annotations for the new object', pairs('annotations', '='))
    .addOption(dryRunOption())
    .addOption(outputOption())
    .option('-w, --wait', 'wait for the end of the work');
}

export function withSelectionFlags(command: Command): Command {
  const names = (flag: string, what: string, source: 'namespaces' | undefined) => {
    const option = new Option(`--${flag} <names>`, what).argParser(listed);
    return source ? completing(source, option) : option;
  };
  return command
    .addOption(names('include-namespaces', 'namespaces to take: names or patterns, * for all', 'namespaces'))
    .addOption(names('exclude-namespaces', 'namespaces to leave out', 'namespaces'))
    .addOption(names('include-resources', 'resources to take, as deployments.apps,configmaps (default: all)', undefined))
    .addOption(names('exclude-resources', 'resources to leave out', undefined))
    .addOption(
      new Option(
        '--include-cluster-resources [boolean]',
        'objects that lie in no namespace: all or none (default: those that belong to what is taken)',
      )
        .preset('true')
        .argParser(boolean('include-cluster-resources')),
    )
    .option('-l, --selector <selector>', 'only objects whose labels match, as app=web')
    .option('--or-selector <selectors>', "only objects that match one of these, as 'app=web or tier=cache'");
}

/** The BackupStore of a Backup or a Snapshot. */
export const storeNameOption = (description: string) =>
  completing('backupstores', new Option('--store-name <name>', `${description} (default: the one that Kylon was started with)`));

/** Of what moves volumes. */
export interface ThrottleFlags {
  readonly throttleUpload?: string;
  readonly throttleDownload?: string;
}

export function withThrottleFlags(command: Command): Command {
  return command
    .option('--throttle-upload <quantity>', 'bytes a second into the object store at most, as 10Mi (default: no limit)')
    .option('--throttle-download <quantity>', 'bytes a second out of the object store at most, as 50Mi (default: no limit)');
}

/** Undefined where no flag speaks of it. */
export function throttleOf({ throttleUpload: upload, throttleDownload: download }: ThrottleFlags): object | undefined {
  return upload === undefined && download === undefined ? undefined : given({ upload, download });
}

/** The part of the spec that says which objects are taken; only what was given. */
export function selectionOf(flags: SelectionFlags): Record<string, unknown> {
  const { selector, orSelector } = flags;
  return given({
    includedNamespaces: flags.includeNamespaces,
    excludedNamespaces: flags.excludeNamespaces,
    includedResources: flags.includeResources,
    excludedResources: flags.excludeResources,
    includeClusterResources: flags.includeClusterResources,
    labelSelector: selector === undefined ? undefined : specSelector('selector', selector),
    orLabelSelectors: orSelector === undefined ? undefined : specSelectors('or-selector', orSelector),
  });
}

/** Without the fields that are undefined. */
export function given(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** The manifest with what the flags and the name say; `nameless` is for one that has no name then. Throws UsageError. */
export function completed(
  manifest: Manifest,
  { name, spec, flags, nameless }: { name: string | undefined; spec: Record<string, unknown>; flags: CreateFlags; nameless: object },
): Manifest {
  const { metadata } = manifest;
  if (name !== undefined && metadata.name !== undefined && metadata.name !== name)
    throw new UsageError(`the manifest is of "${metadata.name}", not of "${name}"`);
  if (metadata.namespace !== undefined && flags.namespace !== undefined && metadata.namespace !== flags.namespace)
    throw new UsageError(`the namespace of the manifest, "${metadata.namespace}", is not that of --namespace, "${flags.namespace}"`);
  const isNameless = (name ?? metadata.name ?? metadata.generateName) === undefined;
  return {
    ...manifest,
    metadata: given({
      ...metadata,
      name: name ?? metadata.name,
      ...(isNameless && nameless),
      labels: merged(metadata.labels, flags.labels),
      annotations: merged(metadata.annotations, flags.annotations),
    }),
    spec: { ...manifest.spec, ...spec },
  };
}

const merged = (one: Pairs | undefined, other: Pairs | undefined) => (one || other ? { ...one, ...other } : undefined);

/** Creates it, or shows what would be created; then waits where that is asked for. */
export async function create(shell: Shell, api: Api, kind: WorkKind, manifest: Manifest, flags: CreateFlags): Promise<void> {
  const { dryRun, output } = flags;
  const namespace = manifest.metadata.namespace ?? api.namespace;
  const query = { ...dryRunQuery(dryRun), fieldManager: 'kubectl-kylon', fieldValidation: 'Strict' };
  const body = { ...manifest, metadata: { ...manifest.metadata, namespace } };
  const made =
    dryRun === 'client'
      ? (body as KubeObject)
      : await api.json<KubeObject>({ method: 'POST', path: collectionOf(kind, namespace), query, body }, shell.signal);
  const name = fullName(kind, made.metadata.name ?? made.metadata.generateName ?? '');
  if (output !== undefined && isStructured(output)) await shell.write(structuredText(output, withoutManagers(made)));
  else shell.say(output === 'name' ? name : `${name} created${dryRunText(dryRun)}`);
  if (!flags.wait || dryRun !== 'none') return;
  const say = (text: string) => (output === undefined ? shell.say(text) : shell.tell(text));
  await awaitWork(shell, api, { kind, made, say });
}
