/** What every answer must be, whatever was asked. */
import { gunzipSync } from 'node:zlib';
import type { Case } from './cases.ts';
import { canary, foreign } from './vocabulary.ts';
import type { Reply } from './wire.ts';

/** The reasons that a status may have; clients decide by them. */
const reasons: Readonly<Record<number, readonly string[]>> = {
  400: ['BadRequest'],
  401: ['Unauthorized'],
  403: ['Forbidden'],
  404: ['NotFound'],
  405: ['MethodNotAllowed'],
  406: ['NotAcceptable'],
  408: ['Timeout'],
  409: ['AlreadyExists', 'Conflict'],
  410: ['Expired', 'Gone'],
  413: ['RequestEntityTooLarge'],
  415: ['UnsupportedMediaType'],
  416: ['BadRequest'],
  422: ['Invalid'],
  431: ['BadRequest'],
  504: ['Timeout'],
};

/** Says of an object where it lies: of others than these, nothing may be seen by the limited user. */
export type MaySee = (namespace: string) => boolean;

/** What is wrong with an answer; undefined where it is right. */
export function faultOf(one: Case, reply: Reply, maySee: MaySee): string | undefined {
  const { status } = reply;
  const body = one.isHead ? '' : textOf(reply);
  if (one.who === 'limited') {
    const seen = strangersIn(body, maySee);
    if (seen !== undefined) return `shows the limited user ${seen}`;
  }
  if (status === 304 || (one.isHead && status < 400)) return undefined;
  if (status >= 200 && status < 300) return one.mayStream && body === '' ? undefined : successFault(reply, body);
  if (status === 504 && !one.mayTimeOut) return 'a 504 for what had time enough';
  return one.isHead ? reasonFault(status, undefined) : failureFault(reply, body);
}

/** An archive, too, may hold what it should not. */
function textOf({ status, headers, body, complete }: Reply): string {
  const isPacked = headers.get('content-encoding') === 'gzip' || headers.get('content-type') === 'application/gzip';
  return (complete && status === 200 && isPacked ? gunzipSync(body) : body).toString('utf8');
}

function strangersIn(body: string, maySee: MaySee): string | undefined {
  if (body.includes(canary)) return 'what is kept in another namespace';
  const stranger = [...body.matchAll(/"namespace": ?"([^"]*)"/g)].find(([, namespace = '']) => !maySee(namespace));
  if (stranger) return `an object of the namespace ${stranger[1]}`;
  return body.includes(`namespace: ${foreign}`) ? `an object of the namespace ${foreign}` : undefined;
}

function successFault({ headers, complete }: Reply, body: string): string | undefined {
  const type = headers.get('content-type') ?? '';
  if (type === '') return 'a success without a Content-Type';
  if (type.startsWith('text/html')) return 'HTML';
  return type.startsWith('application/json') && complete ? jsonFault(body) : undefined;
}

function jsonFault(body: string): string | undefined {
  try {
    body
      .split('\n')
      .filter((line) => line !== '' && body.startsWith('{"type"'))
      .forEach((line) => JSON.parse(line));
    if (!body.startsWith('{"type"')) JSON.parse(body);
    return undefined;
  } catch (error) {
    return `no JSON: ${String(error)}`;
  }
}

function failureFault({ status, headers }: Reply, body: string): string | undefined {
  if (headers.get('content-type') !== 'application/json') return `a ${status} of type ${headers.get('content-type')}`;
  const said = parsed(body);
  if (said?.kind !== 'Status' || said.apiVersion !== 'v1' || said.status !== 'Failure' || !said.message)
    return `a ${status} without a Status`;
  return said.code === status ? reasonFault(status, said.reason) : `a ${status} whose Status says ${JSON.stringify(said.code)}`;
}

function reasonFault(status: number, reason: string | undefined): string | undefined {
  const fitting = reasons[status];
  if (!fitting) return `a ${status}`;
  return reason === undefined || fitting.includes(reason) ? undefined : `a ${status} for the reason ${reason}`;
}

interface Status {
  readonly kind?: unknown;
  readonly apiVersion?: unknown;
  readonly status?: unknown;
  readonly message?: unknown;
  readonly reason?: string;
  readonly code?: unknown;
}

function parsed(body: string): Status | undefined {
  try {
    return JSON.parse(body) as Status;
  } catch {
    return undefined;
  }
}
