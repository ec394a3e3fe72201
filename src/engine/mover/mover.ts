/**
 * Has a Pod copy a volume, in the namespace of the volume. The Pod that is there already is taken up again, also by a process that was
 * started later; one that was killed, or waited in vain for a prune, is made anew, and goes on from what is in the repository.
 */
import type { Cluster, ClusterObject } from '../../cluster/cluster.ts';
import { quote } from '../../machinery/errors.ts';
import type { KubeObject } from '../../machinery/object.ts';
import type { Access, RepositoryName } from '../../repository/repositories.ts';
import { defaultStore } from '../../resources/store-name.ts';
import type { EngineParts } from '../parts.ts';
import { findProved } from '../proved.ts';
import { retried } from '../retry.ts';
import { RunFailed } from '../runs/failure.ts';
import type { Work } from '../runs/run.ts';
import { createdAt, fieldsOf, listOf, textOf } from '../selection/fields.ts';
import { namespaces, pods, secrets } from '../snapshot/known.ts';
import { remove, unlessThere } from '../snapshot/removal.ts';
import { faultIn, isDamagedIn, progressIn } from './mover-log.ts';
import type { MoverProgress } from './mover-log.ts';
import { longestOf, moverName, moverPod, moverSecret, secretNameFor, secretNameIn } from './mover-pod.ts';
import type { Errand } from './mover-pod.ts';
import { isOfSignal, phaseOf } from './pod-state.ts';
import type { MoverSetting } from './setting.ts';

/** Milliseconds between looks at the Pod. */
const pollEvery = 1_000;
/** Milliseconds until its container has to run. */
export const startTime = 600_000;
/** How many Pods are made anew before it is given up. */
const mostLost = 3;
/** By which restic tells that the repository is locked by somebody else. https://restic.readthedocs.io/en/stable/075_scripting.html#exit-codes */
const locked = 11;
/** By which restic tells that no key of the repository opens with the password. */
const wrongPassword = 12;
/** By which it tells that it has left the volume as it was, and why. */
const refusals: Readonly<Record<number, string>> = { 20: 'FileExists', 21: 'PathRefused' };
/** Lines of its log that hold its end, and how far it is. */
const lastLines = 100;

/** For whom volumes are copied. */
export interface Sender {
  readonly parts: EngineParts;
  /** The cluster, asked as whoever is to make the Pod. */
  readonly cluster: Cluster;
  /** Told from time to time how far it is. */
  readonly onProgress: (progress: MoverProgress) => void;
  readonly warn: (message: string) => void;
  readonly signal: AbortSignal;
}

/** In a run: as the creator of its object. */
export const senderOf = ({ parts, creator, report, run, signal }: Work): Sender => ({
  parts,
  cluster: parts.cluster.as(creator),
  onProgress: (progress) => report({ progress }),
  warn: (message) => run.log.warn(message),
  signal,
});

/** Resolves to the end of what the mover said when it has done its work. Rejects with RunFailed. The Pod is left for discardMover. */
export async function runMover(sender: Sender, errand: Errand): Promise<string> {
  for (let lost = 0; ; lost++) {
    await sendMover(sender, errand);
    const end = await awaitEnd(sender, errand);
    if (end.is === 'done') return end.log;
    if (lost === mostLost) throw lossOf(end, errand);
    const what = end.is === 'locked' ? 'found the repository locked' : `was killed${whyKilled(end)}`;
    sender.warn(`the Pod ${quote(moverName(errand.owner))} ${what}; it is begun again`);
    await awaitGone(sender, errand.owner);
  }
}

function lossOf(end: Ended, { owner, repository }: Errand): RunFailed {
  const times = `${mostLost + 1} times`;
  if (end.is !== 'locked') return new RunFailed('MoverKilled', `the Pod ${quote(moverName(owner))} was killed ${times}${whyKilled(end)}`);
  return new RunFailed('RepositoryLocked', `${nameOf(repository)} was locked ${times}, by a prune or a check that does not end`);
}

function requireSetting({ mover }: Pick<EngineParts, 'mover'>): MoverSetting {
  if (mover) return mover;
  const why = 'Kylon was not told by which image and which address volumes are copied: --mover-image, and --mover-address beside a cluster';
  throw new RunFailed('MoversNotSet', why);
}

/** As Kylon itself; resolves to whether nothing is left of it. */
export async function discardMover(parts: EngineParts, owner: KubeObject, signal: AbortSignal): Promise<boolean> {
  const pod = await findMover(parts, owner, signal);
  if (pod) await remove(parts.cluster, pods, pod, signal);
  return pod === undefined;
}

/** One that is there already will do. Rejects with RunFailed where Kylon was not told how. */
export async function sendMover(sender: Sender, errand: Errand): Promise<void> {
  const setting = requireSetting(sender.parts);
  const access = await accessFor(sender, errand);
  const pod = await makePod(sender, errand, (isRestricted) =>
    moverPod(errand, secretNameFor(errand.owner, sender.parts.ids), setting, isRestricted),
  );
  await giveSecret(sender, errand, pod, setting, access);
}

function accessFor({ parts, signal }: Sender, errand: Errand): Promise<Access> {
  const permit = { rights: rightsFor[errand.way], holder: errand.owner.metadata.uid ?? '' };
  return parts.repositories.access(errand.repository, permit, longestOf(errand) * 1_000, signal);
}

async function giveSecret(sender: Sender, errand: Errand, pod: ClusterObject, setting: MoverSetting, access: Access): Promise<void> {
  const { parts, cluster, signal } = sender;
  const { namespace = '' } = errand.owner.metadata;
  const secretName = secretNameIn(pod) ?? ofSomebodyElse(errand.owner);
  const secret = moverSecret(pod, secretName, setting, access);
  await retried(parts.clock, signal, () => cluster.create(secrets, namespace, secret, {}, lasting)).catch(unlessThere);
}

/** A Pod waits for the Secret that it mounts, also for one that somebody has deleted. */
async function keepSecret(sender: Sender, errand: Errand, pod: ClusterObject): Promise<void> {
  const { parts, signal } = sender;
  const { namespace = '' } = pod.metadata;
  const name = secretNameIn(pod) ?? ofSomebodyElse(errand.owner);
  if (await retried(parts.clock, signal, () => parts.cluster.get(secrets, namespace, name, signal))) return;
  sender.warn(`the Secret ${quote(name)} of the Pod ${quote(pod.metadata.name)} is gone; it is made again`);
  await giveSecret(sender, errand, pod, requireSetting(parts), await accessFor(sender, errand));
}

/** Whether it could be sent, with the rights of whoever is to send it. Rejects with RunFailed where Kylon was not told how. */
export async function rehearseMover(sender: Sender, errand: Errand): Promise<void> {
  const setting = requireSetting(sender.parts);
  await rehearsePod(sender, errand, (isRestricted) =>
    moverPod(errand, secretNameFor(errand.owner, sender.parts.ids), setting, isRestricted),
  );
}

/** As it is to be, where its namespace asks for the Pod Security Standard restricted or not. */
type Wanted = (isRestricted: boolean) => ClusterObject;

/** One that is there already will do. Rejects with RunFailed where that is somebody else's. */
export async function makePod({ parts, cluster, signal }: Sender, { owner }: Errand, wanted: Wanted): Promise<ClusterObject> {
  const { namespace = '', uid = '' } = owner.metadata;
  const isRestricted = await asksForRestricted(parts.cluster, namespace, signal);
  const pod = await parts.proofs.give(wanted(isRestricted), uid, signal);
  return retried(parts.clock, signal, async () => {
    const found = await findMover(parts, owner, signal);
    const create = () => cluster.create(pods, namespace, pod, {}, lasting).catch(unlessThere);
    return found ?? (await create()) ?? (await findMover(parts, owner, signal)) ?? ofSomebodyElse(owner);
  });
}

export async function rehearsePod({ parts, cluster, signal }: Sender, { owner }: Errand, wanted: Wanted): Promise<void> {
  const { namespace = '' } = owner.metadata;
  const isRestricted = await asksForRestricted(parts.cluster, namespace, signal);
  await cluster.create(pods, namespace, wanted(isRestricted), { dryRun: true }, signal);
}

const rightsFor = { backup: 'append', restore: 'read', 'restore-files': 'read', prune: 'prune' } as const;

/** Once sent it is waited for, whatever aborts meanwhile: who cleans up after this run has to see what it made. */
const lasting = AbortSignal.any([]);

function ofSomebodyElse(owner: KubeObject): never {
  throw new RunFailed('PodExists', `the Pod ${quote(moverName(owner))} was made by somebody else`);
}

export const findMover = (parts: EngineParts, owner: KubeObject, signal: AbortSignal): Promise<ClusterObject | undefined> =>
  findProved(parts, pods, { ...owner.metadata, name: moverName(owner) }, owner, signal);

/** `since`: milliseconds since the epoch. */
export type Seen = Ended | { readonly is: 'running' } | { readonly is: 'starting'; readonly why: string; readonly since: number };
/**
 * `killed`: it is being deleted, or was ended, before its work was done. `locked`: it has ended, since others held the repository for as long as
 * it waited.
 */
export type Ended =
  | { readonly is: 'gone' }
  | { readonly is: 'killed' | 'locked'; readonly pod: ClusterObject }
  | { readonly is: 'done'; readonly log: string; readonly pod: ClusterObject };

/** Rejects with RunFailed where it has failed. */
export async function lookAtMover(sender: Sender, errand: Errand): Promise<Seen> {
  const { parts, signal } = sender;
  const { owner } = errand;
  const pod = await retried(parts.clock, signal, () => findMover(parts, owner, signal));
  if (!pod) return { is: 'gone' };
  if (isKilled(pod)) return { is: 'killed', pod };
  const { exitCode } = terminatedOf(pod);
  if (exitCode === undefined && phaseOf(pod) !== 'Running') {
    await keepSecret(sender, errand, pod);
    return { is: 'starting', why: whyNot(pod), since: createdAt(pod) };
  }
  if (exitCode === locked) return { is: 'locked', pod };
  const log = await logOf(sender, pod);
  if (exitCode === 0) return { is: 'done', log, pod };
  if (exitCode !== undefined) throw failureOf(errand, Number(exitCode), log);
  tellProgress(sender, log);
  return { is: 'running' };
}

function failureOf({ claimName, forClaim = claimName, repository }: Errand, exitCode: number, log: string): RunFailed {
  const refusal = refusals[exitCode];
  if (refusal !== undefined) return new RunFailed(refusal, faultIn(log));
  const whose = nameOf(repository);
  if (exitCode === wrongPassword)
    return new RunFailed('RepositoryKeyWrong', `${whose} does not open with the password that Kylon has for it: ${faultIn(log)}`);
  if (isDamagedIn(log)) return new RunFailed('RepositoryDamaged', `${whose} is damaged: ${faultIn(log)}`);
  const subject = forClaim === undefined ? whose : `the claim ${quote(forClaim)}`;
  return new RunFailed('MoverFailed', `the mover of ${subject} has failed: ${faultIn(log)}`);
}

function nameOf({ storeName, namespace }: RepositoryName): string {
  const where = storeName === defaultStore ? '' : ` in the BackupStore ${quote(storeName)}`;
  return `the repository of the namespace ${quote(namespace)}${where}`;
}

/** Rejects with RunFailed where it has failed, or does not begin. */
export async function awaitEnd(sender: Sender, errand: Errand): Promise<Ended> {
  const { parts, signal } = sender;
  const { clock } = parts;
  for (const deadline = clock.monotonic() + startTime; ; await clock.sleep(pollEvery, signal)) {
    const seen = await lookAtMover(sender, errand);
    if (seen.is !== 'starting' && seen.is !== 'running') return seen;
    if (seen.is === 'starting' && clock.monotonic() >= deadline) throw notStarted(errand, seen.why);
  }
}

export function notStarted({ owner }: Errand, why: string): RunFailed {
  return new RunFailed('MoverNotStarted', `the Pod ${quote(moverName(owner))} does not run after ${startTime / 1_000} s${why}`);
}

export async function awaitGone({ parts, signal }: Sender, owner: KubeObject): Promise<void> {
  const { clock } = parts;
  while (!(await retried(clock, signal, () => discardMover(parts, owner, signal)))) await clock.sleep(pollEvery, signal);
}

const logOf = ({ parts, signal }: Sender, { metadata }: ClusterObject) =>
  retried(parts.clock, signal, () => parts.cluster.log(metadata.namespace ?? '', metadata.name, lastLines, signal));

function tellProgress({ onProgress }: Sender, log: string): void {
  const progress = progressIn(log);
  if (progress) onProgress(progress);
}

function isKilled(pod: ClusterObject): boolean {
  const { exitCode } = terminatedOf(pod);
  if (exitCode === 0) return false;
  const isEnded = typeof exitCode === 'number' ? isOfSignal(exitCode) : phaseOf(pod) === 'Failed';
  return isEnded || pod.metadata['deletionTimestamp'] !== undefined;
}

/** In the word of the kubelet, such as OOMKilled or Evicted. */
function whyKilled(end: Seen): string {
  if (end.is !== 'killed') return '';
  const reason = textOf(fieldsOf(end.pod.status)['reason']) ?? textOf(terminatedOf(end.pod)['reason']);
  return reason === undefined ? '' : ` (${reason})`;
}

const stateOf = ({ status }: ClusterObject) => fieldsOf(listOf(fieldsOf(status)['containerStatuses'])[0]?.['state']);

const terminatedOf = (pod: ClusterObject) => fieldsOf(stateOf(pod)['terminated']);

/** In the words of the scheduler or the kubelet. */
export function whyNot(pod: ClusterObject): string {
  const { reason, message } = fieldsOf(stateOf(pod)['waiting']);
  const unscheduled = listOf(fieldsOf(pod.status)['conditions']).find(({ type, status }) => type === 'PodScheduled' && status === 'False');
  const words = [textOf(reason), textOf(message) ?? textOf(unscheduled?.['message'])].filter((text) => text !== undefined);
  return words.length > 0 ? `: ${words.join(': ')}` : '';
}

/** https://kubernetes.io/docs/concepts/security/pod-security-admission/ */
async function asksForRestricted(cluster: Cluster, namespace: string, signal: AbortSignal): Promise<boolean> {
  const found = await cluster.get(namespaces, '', namespace, signal);
  return fieldsOf(found?.metadata['labels'])['pod-security.kubernetes.io/enforce'] === 'restricted';
}
