/** Flags and environment, turned into checked options; whatever is wrong is said all at once. */
import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import type { LogLevel } from './base/log.ts';
import type { Environment } from './environment.ts';
import { settingOf, strayVariables, variableOf } from './environment.ts';
import { isKeyItself, looksLikeKey } from './objectstore/encryption/keyring.ts';
import { providers } from './objectstore/providers.ts';
import { urlFault } from './objectstore/url-fault.ts';
import { parseDuration } from './resources/durations.ts';

export interface Options {
  readonly mode: 'playground' | 'beside' | 'in-cluster';
  /** Absolute path of the folder that holds certificates, the index, and the store unless `store` says otherwise. */
  readonly data: string;
  readonly store: string;
  /** Absolute path of the folder below which BackupStores may be folders; undefined where none may. */
  readonly storeFolder: string | undefined;
  /** Path of the file with the keys that the store is encrypted with; undefined where it is not. */
  readonly encryptionKeys: string | undefined;
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  readonly kubeconfig: string | undefined;
  /** Namespace and name of the Service by which a cluster reaches this process. */
  readonly service: { readonly namespace: string; readonly name: string };
  readonly tls: { readonly certFile: string; readonly keyFile: string } | undefined;
  /** PEM file of the authority of the serving certificate; undefined where that is given by nobody. */
  readonly tlsCa: string | undefined;
  /** By which image volumes are copied, and the URL by which its Pods reach this process; undefined where no volume is copied. */
  readonly mover: { readonly image: string; readonly address: string } | undefined;
  /** Milliseconds between two checks, and two prunes, of what has been copied from the volumes of a namespace. */
  readonly maintainEvery: number;
  readonly copyImage: string | undefined;
  readonly auditLog: string | undefined;
  readonly logLevel: LogLevel;
  /** Milliseconds between SIGTERM and the end of accepting requests. */
  readonly shutdownDelay: number;
  /** Tells replicas apart; the same after a restart. */
  readonly replica: string;
}

interface Flag {
  /** What stands for the value in --help; undefined for a switch. */
  readonly value?: string;
  readonly help: string;
  readonly default?: string;
}

const flags = {
  data: { value: 'DIR', help: 'Folder for certificates, the index and, unless --store is given, the backups.', default: '.kylon' },
  store: {
    value: 'URL',
    help: 'Object store that holds the catalog and the backups, in one of the forms below. Default: file://DIR/store.',
  },
  'store-folder': {
    value: 'DIR',
    help: 'Folder below which BackupStores may name folders by file://. Default: none, in the playground stores in the folder of --data.',
  },
  'encryption-keys': {
    value: 'FILE',
    help: 'Keys to encrypt the store with, from its first use on; "kylon keys generate" makes one. Without them it cannot be read.',
  },
  kubeconfig: {
    value: 'FILE',
    help: 'Protect the cluster of this kubeconfig, from beside it. Without this or --in-cluster: a playground that needs nothing.',
  },
  'in-cluster': { help: 'Run as a pod of the cluster that is protected.' },
  'bind-address': { value: 'ADDRESS', help: 'Address to listen on. Default: 127.0.0.1, with --in-cluster 0.0.0.0.' },
  port: { value: 'N', help: 'Port to listen on; 0 takes a free one.', default: '8443' },
  service: { value: 'NAMESPACE/NAME', help: 'Service by which the cluster reaches this process.', default: 'kube-system/kylon' },
  'tls-cert-file': { value: 'FILE', help: 'Serving certificate with its chain, PEM; read again when it changes. Default: made by Kylon.' },
  'tls-private-key-file': { value: 'FILE', help: 'Key of the serving certificate, PEM.' },
  'tls-ca-file': {
    value: 'FILE',
    help: 'Authority of the serving certificate, PEM, for Pods that copy volumes. Default: the serving certificate.',
  },
  'mover-image': { value: 'IMAGE', help: 'Image of the Pods that copy volumes, as manifests/mover makes it. Without it none is copied.' },
  'mover-address': {
    value: 'URL',
    help: 'Where those Pods reach this process: https://HOST[:PORT]. Default with --in-cluster: that of --service.',
  },
  'default-repo-maintain-frequency': {
    value: 'DURATION',
    help: 'How often what those Pods have copied is checked, and what is not needed any more is freed; 1m at least.',
    default: '24h',
  },
  'copy-image': {
    value: 'IMAGE',
    help: 'Image with tar, sh and sleep, such as busybox, of the Pods by which plain copies are made and brought back where no running Pod has the volume.',
  },
  'audit-log': { value: 'FILE', help: 'Append an audit.k8s.io/v1 Event for every request to this file.' },
  'log-level': { value: 'LEVEL', help: 'What is logged on standard error: debug, info, warn, error or silent.', default: 'warn' },
  'shutdown-delay': {
    value: 'SECONDS',
    help: 'Seconds to go on serving after SIGTERM, while clients are sent elsewhere. Default: 0, with --in-cluster 10.',
  },
  replica: { value: 'NAME', help: 'Name that tells replicas apart and survives a restart. Default: the host name.' },
  help: { help: 'Print this and exit.' },
} as const satisfies Record<string, Flag>;

type FlagName = keyof typeof flags;

/** Everything that is wrong with flags and environment, one line each. */
export class OptionsError extends Error {
  override readonly name = 'OptionsError';
  readonly faults: readonly string[];
  constructor(faults: readonly string[]) {
    super(faults.join('\n'));
    this.faults = faults;
  }
}

/** Reads `argv` (without program and script) and then, for what is not there, KYLON_… of `env`. Throws OptionsError, or answers `help`. */
export function readOptions(argv: readonly string[], env: Environment): Options | 'help' {
  const faults: string[] = [];
  const given = readFlags(argv, env, faults);
  if (given.help !== undefined) return 'help';
  const mode = modeOf(given, faults);
  const text = (name: FlagName, otherwise = '') => given[name] ?? (flags[name] as Flag).default ?? otherwise;
  const [host, shutdownDelay] = mode === 'in-cluster' ? ['0.0.0.0', '10'] : ['127.0.0.1', '0'];
  const data = resolve(text('data'));
  const service = checkService(text('service'), faults);
  const options: Options = {
    mode,
    data,
    store: checkStore(mode, text('store', ownStore(data)), faults),
    storeFolder: storeFolderOf(mode, given['store-folder'], data),
    encryptionKeys: checkKeys(given['encryption-keys'], faults),
    host: text('bind-address', host),
    port: wholeNumber('port', text('port'), 65_535, faults),
    kubeconfig: checkFile('kubeconfig', given.kubeconfig, faults),
    service,
    tls: checkTls(given, faults),
    tlsCa: checkFile('tls-ca-file', given['tls-ca-file'], faults),
    mover: checkMover(mode, given, service, faults),
    maintainEvery: checkFrequency(text('default-repo-maintain-frequency'), faults),
    copyImage: given['copy-image'],
    auditLog: given['audit-log'] && resolve(given['audit-log']),
    logLevel: checkLevel(text('log-level'), faults),
    shutdownDelay: wholeNumber('shutdown-delay', text('shutdown-delay', shutdownDelay), 3600, faults) * 1000,
    replica: text('replica', hostname()),
  };
  if (faults.length > 0) throw new OptionsError(faults);
  return options;
}

/** The store of a server that is given no other: below its data folder. */
export const ownStore = (data: string) => pathToFileURL(`${data}/store`).href;

/** The playground belongs to whoever may make BackupStores there. */
function storeFolderOf(mode: Options['mode'], given: string | undefined, data: string): string | undefined {
  const folder = given ?? (mode === 'playground' ? join(data, 'stores') : undefined);
  return folder && resolve(folder);
}

export function helpText(): string {
  const lines = Object.entries<Flag>(flags).map(([name, { value, help, default: preset }]) => {
    const left = `  --${name}${value ? ` ${value}` : ''}`;
    return `${`${left} `.padEnd(32)}${help}${preset === undefined ? '' : ` Default: ${preset}.`}`;
  });
  return [
    'Kylon: backups and restores as native Kubernetes API objects.',
    '',
    'Usage: npm start -- [flags]',
    '',
    ...lines,
    '',
    'Stores (docs/stores.md):',
    '',
    ...providers.flatMap(({ usage }) => usage.split('\n').map((line) => `  ${line}`)),
    '',
    'Every flag can also be set in the environment: --audit-log as KYLON_AUDIT_LOG, --in-cluster as KYLON_IN_CLUSTER=true.',
  ].join('\n');
}

type Given = Partial<Record<FlagName, string>>;

function readFlags(argv: readonly string[], env: Environment, faults: string[]): Given {
  const given: Given = {};
  const names = Object.keys(flags) as FlagName[];
  for (const name of names) readVariable(given, name, settingOf(name, env), faults);
  faults.push(...strayVariables(names, env));
  for (const token of tokensOf(argv)) {
    if (token.kind === 'positional') faults.push(`unexpected argument "${token.value}": flags begin with --`);
    if (token.kind === 'option') readFlag(given, token, faults);
  }
  return given;
}

function readVariable(given: Given, name: FlagName, value: string | undefined, faults: string[]): void {
  if (value === undefined) return;
  if (isSwitch(name) && value !== 'true' && value !== 'false') faults.push(`${variableOf(name)}: "${value}" is neither true nor false`);
  else if (value === '') faults.push(`${variableOf(name)}: needs a value, ${(flags[name] as Flag).value}`);
  else take(given, name, value);
}

function readFlag(given: Given, { name, rawName, value }: Token, faults: string[]): void {
  if (!isFlag(name)) faults.push(`unknown flag ${rawName}: see --help`);
  else if (isSwitch(name) && value !== undefined && value !== 'true' && value !== 'false')
    faults.push(`--${name}: takes no value, got "${value}"`);
  else if (!isSwitch(name) && !value) faults.push(`--${name}: needs a value, ${(flags[name] as Flag).value}`);
  else take(given, name, value ?? 'true');
}

/** A switch that is said to be false is as if it were not there. */
function take(given: Given, name: FlagName, value: string): void {
  if (isSwitch(name) && value === 'false') delete given[name];
  else given[name] = value;
}

interface Token {
  readonly kind: string;
  readonly name: string;
  readonly rawName: string;
  readonly value: string | undefined;
}

/** As parseArgs splits it, without refusing anything: so every fault can be told at once. */
function tokensOf(argv: readonly string[]) {
  const options = Object.fromEntries(
    (Object.keys(flags) as FlagName[]).map((name) => [name, { type: isSwitch(name) ? ('boolean' as const) : ('string' as const) }]),
  );
  return parseArgs({ args: [...argv], options, strict: false, allowPositionals: true, tokens: true }).tokens as readonly Token[];
}

const isFlag = (name: string): name is FlagName => Object.hasOwn(flags, name);
const isSwitch = (name: FlagName) => (flags[name] as Flag).value === undefined;

function modeOf(given: Given, faults: string[]): Options['mode'] {
  if (given.kubeconfig !== undefined && given['in-cluster'] !== undefined) faults.push('--kubeconfig and --in-cluster exclude each other');
  if (given['in-cluster'] !== undefined) return 'in-cluster';
  return given.kubeconfig === undefined ? 'playground' : 'beside';
}

function checkStore(mode: Options['mode'], url: string, faults: string[]): string {
  const fault = urlFault(url);
  if (fault !== undefined) faults.push(`--store: ${fault}`);
  else if (new URL(url).protocol === 'memory:' && mode !== 'playground')
    faults.push('--store: memory: forgets everything, which only the playground may');
  return url;
}

function checkFile(name: FlagName, file: string | undefined, faults: string[]): string | undefined {
  if (file === undefined) return undefined;
  if (!existsSync(file)) faults.push(`--${name}: there is no file ${file}`);
  return resolve(file);
}

/** Never repeats a key that was given instead of a file. */
function checkKeys(file: string | undefined, faults: string[]): string | undefined {
  if (file === undefined || !looksLikeKey(file)) return checkFile('encryption-keys', file, faults);
  faults.push(`--encryption-keys: the value ${isKeyItself}`);
  return undefined;
}

function checkTls(given: Given, faults: string[]): Options['tls'] {
  const certFile = checkFile('tls-cert-file', given['tls-cert-file'], faults);
  const keyFile = checkFile('tls-private-key-file', given['tls-private-key-file'], faults);
  if ((certFile === undefined) !== (keyFile === undefined)) faults.push('--tls-cert-file and --tls-private-key-file go together');
  return certFile !== undefined && keyFile !== undefined ? { certFile, keyFile } : undefined;
}

function checkMover(mode: Options['mode'], given: Given, service: Options['service'], faults: string[]): Options['mover'] {
  const { 'mover-image': image, 'mover-address': asked } = given;
  const own = mode === 'in-cluster' ? `https://${service.name}.${service.namespace}.svc` : undefined;
  const address = asked ?? own;
  if (image === undefined && asked !== undefined) faults.push('--mover-address goes with --mover-image');
  if (image !== undefined && address === undefined) faults.push('--mover-image goes with --mover-address, unless Kylon runs --in-cluster');
  if (asked !== undefined && !/^https:\/\/[^/?#@]+\/?$/.test(asked))
    faults.push(`--mover-address: "${asked}" is not of the form https://HOST[:PORT]`);
  return image === undefined || address === undefined ? undefined : { image, address };
}

/** In milliseconds. */
function checkFrequency(text: string, faults: string[]): number {
  const ms = parseDuration(text) ?? 0;
  if (ms < 60_000) faults.push(`--default-repo-maintain-frequency: "${text}" is no duration of at least 1m, such as 24h`);
  return ms;
}

function checkService(text: string, faults: string[]): Options['service'] {
  const label = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
  if (!new RegExp(`^${label}/${label}$`).test(text)) faults.push(`--service: "${text}" is not of the form NAMESPACE/NAME`);
  const [namespace = '', name = ''] = text.split('/');
  return { namespace, name };
}

function wholeNumber(name: FlagName, text: string, most: number, faults: string[]): number {
  const number = Number(text);
  if (!/^[0-9]+$/.test(text) || number > most) faults.push(`--${name}: "${text}" is not a whole number from 0 to ${most}`);
  return number;
}

function checkLevel(text: string, faults: string[]): LogLevel {
  const levels = ['debug', 'info', 'warn', 'error', 'silent'] as const;
  const level = levels.find((known) => known === text);
  if (level === undefined) faults.push(`--log-level: "${text}" is none of ${levels.join(', ')}`);
  return level ?? 'warn';
}
