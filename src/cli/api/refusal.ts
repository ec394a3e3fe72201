/** What the API server says no to, in the words in which kubectl tells it: https://github.com/kubernetes/kubectl/blob/master/pkg/cmd/util/helpers.go */
import type { Answer } from '../../cluster/status.ts';
import type { Status, StatusCause } from '../../machinery/errors.ts';
import { Ending, exits } from '../exits.ts';

/** The server has answered, and the answer is no. */
export class Refusal extends Ending {
  override readonly name = 'Refusal';
  /** HTTP status. */
  readonly status: number;
  constructor(status: number, message: string) {
    super(exits.refused, message);
    this.status = status;
  }
}

/** Of an answer that is not 2xx. Proxies in between answer in plain text: the beginning of that is quoted. */
export function refusalOf(answer: Pick<Answer, 'status' | 'body'>): Refusal {
  const said = statusOf(answer.body);
  if (said) return new Refusal(answer.status, wordsOf(said));
  const text = Buffer.from(answer.body.subarray(0, 200)).toString().trim();
  return new Refusal(answer.status, `Error from server: ${text || `it answered ${answer.status}`}`);
}

export function wordsOf({ reason = '', message = 'unknown', details }: Partial<Status>): string {
  if (reason === 'Invalid' && details) return invalidWords(details.kind ?? '', details.name ?? '', details.causes ?? []);
  if (reason === 'Unauthorized') return `error: You must be logged in to the server (${message})`;
  return reason ? `Error from server (${reason}): ${message}` : `Error from server: ${message}`;
}

function invalidWords(kind: string, name: string, causes: readonly StatusCause[]): string {
  const subject = kind || name ? `The ${kind} "${name}" is invalid` : 'The request is invalid';
  const [first, ...more] = causes.map(({ field, message }) => (field ? `${field}: ${message}` : message));
  if (first === undefined) return subject;
  return more.length === 0 ? `${subject}: ${first}` : [`${subject}: `, ...[first, ...more].map((text) => `* ${text}`)].join('\n');
}

function statusOf(body: Uint8Array): Partial<Status> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(body).toString());
    return typeof value === 'object' && value !== null && (value as Partial<Status>).kind === 'Status' ? value : undefined;
  } catch {
    return undefined;
  }
}
