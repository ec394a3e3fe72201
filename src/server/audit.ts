/** The audit log: one audit.k8s.io/v1 Event a line, who did what and what came of it, never with a body. https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/ */
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import type { WriteStream } from 'node:fs';
import type { Log } from '../base/log.ts';
import { causeOf, codeOf } from '../base/system-errors.ts';
import type { Target } from '../machinery/call.ts';
import type { User, Verdict } from '../machinery/user.ts';

export interface AuditRecord {
  readonly auditId: string;
  readonly stage: 'ResponseStarted' | 'ResponseComplete';
  /** As sent. */
  readonly url: string;
  readonly target: Target | undefined;
  /** Undefined where nobody could say who it was. */
  readonly user: User | undefined;
  readonly impersonated: User | undefined;
  readonly sourceIPs: readonly string[];
  readonly userAgent: string;
  readonly verdict: Verdict | undefined;
  readonly code: number;
  /** Milliseconds since the epoch. */
  readonly received: number;
  readonly now: number;
}

/** Bytes that may wait for the disk. Above that events are dropped and counted, rather than requests held up. */
const longestQueue = 16 * 1024 * 1024;

export class AuditLog {
  readonly #stream: WriteStream;
  readonly #log: Log;
  #dropped = 0;

  /** Rejects when the file cannot be opened for appending. */
  static async open(file: string, log: Log, signal: AbortSignal): Promise<AuditLog> {
    const stream = createWriteStream(file, { flags: 'a', mode: 0o600 });
    await once(stream, 'open', { signal }).catch((error: unknown) => {
      signal.throwIfAborted();
      const why = codeOf(error) === 'ENOENT' ? 'its folder does not exist' : causeOf(error);
      throw new Error(`--audit-log: ${file} cannot be opened: ${why}`, { cause: error });
    });
    return new AuditLog(stream, log);
  }

  constructor(stream: WriteStream, log: Log) {
    this.#stream = stream;
    this.#log = log;
    stream.on('error', (error) => log.error('the audit log cannot be written', { error: error.message }));
  }

  record(record: AuditRecord): void {
    if (this.#stream.writableLength < longestQueue && !this.#stream.destroyed) this.#stream.write(`${JSON.stringify(eventOf(record))}\n`);
    else this.#drop();
  }

  async close(): Promise<void> {
    if (this.#stream.destroyed) return;
    const closed = once(this.#stream, 'close');
    this.#stream.end();
    await closed;
  }

  #drop(): void {
    this.#dropped += 1;
    if (this.#dropped % 1000 === 1) this.#log.error('audit events are dropped, the disk is too slow or gone', { dropped: this.#dropped });
  }
}

function eventOf(record: AuditRecord) {
  const { target, impersonated, verdict, code } = record;
  return {
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    level: 'Metadata',
    auditID: record.auditId,
    stage: record.stage,
    requestURI: withoutSecrets(record.url),
    verb: target?.verb ?? '',
    user: userInfo(record.user),
    ...(impersonated && { impersonatedUser: userInfo(impersonated) }),
    sourceIPs: record.sourceIPs,
    userAgent: record.userAgent,
    ...(target?.resource && { objectRef: objectRef(target.resource) }),
    responseStatus: { metadata: {}, code },
    requestReceivedTimestamp: microTime(record.received),
    stageTimestamp: microTime(record.now),
    ...(verdict && {
      annotations: {
        'authorization.k8s.io/decision': verdict.allowed ? 'allow' : 'forbid',
        'authorization.k8s.io/reason': verdict.reason,
      },
    }),
  };
}

/** The path and query of a request, as they may be written down. */
export function withoutSecrets(url: string): string {
  const [path = '', ...query] = url.split('?');
  const pairs = query.join('?').split('&').map(hideSecret).join('&');
  return query.length > 0 ? `${path}?${pairs}` : path;
}

function hideSecret(pair: string): string {
  const [name = ''] = new URLSearchParams(pair).keys();
  return /token|secret|password|credential|signature|key/i.test(name) ? `${encodeURIComponent(name)}=REDACTED` : pair;
}

function userInfo(user: User | undefined) {
  if (!user) return {};
  const { name, uid, groups, extra } = user;
  return { username: name, ...(uid && { uid }), groups, ...(Object.keys(extra).length > 0 && { extra }) };
}

function objectRef({ group, version, resource, namespace, name, subresource }: NonNullable<Target['resource']>) {
  return { resource, namespace, name, ...(group && { apiGroup: group }), apiVersion: version, subresource };
}

/** metav1.MicroTime; the clock counts milliseconds. */
const microTime = (ms: number) => new Date(ms).toISOString().replace('Z', '000Z');
