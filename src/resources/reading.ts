/** What the subresources that are read share: pages of lists, logs, and their query parameters. */
import { parseExactly } from '../base/exact-json.ts';
import { begun } from '../base/pieces.ts';
import { preferred } from '../machinery/views/accept.ts';
import { jsonAnswer } from '../machinery/call.ts';
import type { Answer } from '../machinery/call.ts';
import { badRequest, notAcceptable, quote } from '../machinery/errors.ts';
import { indentedJson, toYaml } from '../machinery/views/format.ts';
import { wantsIndentation } from '../machinery/views/negotiate.ts';
import type { KubeObject } from '../machinery/object.ts';
import { booleanParameter, integerParameter } from '../machinery/input/query-values.ts';
import type { ResourceCall, Subresource } from '../machinery/resource.ts';
import { apiVersion } from './group.ts';
import type { LogOptions, Services } from './services.ts';

/** Entries of a page where the client names no limit, and the most that it may ask for. */
const usualLimit = 500;
const highestLimit = 5000;

export const pageParameters: Subresource['parameters'] = [
  { name: 'limit', type: 'integer', description: `At most so many entries. Default: ${usualLimit}, never more than ${highestLimit}.` },
  { name: 'continue', type: 'string', description: 'Token of the page before.' },
];

export const logParameters: Subresource['parameters'] = [
  { name: 'follow', type: 'boolean', description: 'Whether to go on with what is logged from now on, until the work ends.' },
  { name: 'tailLines', type: 'integer', description: 'Only so many lines from the end.' },
  { name: 'sinceTime', type: 'string', description: 'Only lines of this time or later, as 2026-01-31T12:00:00Z.' },
  { name: 'timestamps', type: 'boolean', description: 'Whether each line begins with its time.' },
];

/** Of the log of what is running, for its description. */
export const logDelay = 'Replicas of Kylon that do not carry it out have each line some seconds later.';

/** Throws ApiError 400. */
export function pageOf(query: URLSearchParams): { readonly limit: number; readonly continue: string } {
  const limit = wholeNumber(query, 'limit') || usualLimit;
  return { limit: Math.min(limit, highestLimit), continue: query.get('continue') ?? '' };
}

export function listAnswer(
  call: ResourceCall,
  kind: string,
  page: { readonly items: readonly unknown[]; readonly continue: string },
): Answer {
  const metadata = page.continue ? { continue: page.continue } : {};
  return manifestAnswer(call, JSON.stringify({ kind, apiVersion, metadata, items: page.items }));
}

/** JSON text, as it is or in the format that the client prefers. Throws ApiError 406. */
export function manifestAnswer(call: ResourceCall, json: string): Answer {
  const type = preferred(call.accept, ['application/json', 'application/yaml']);
  if (type === undefined) throw notAcceptable(['application/json', 'application/yaml']);
  if (type === 'application/yaml') return { status: 200, headers: { 'Content-Type': type }, body: toYaml(parseExactly(json)) };
  return jsonAnswer(200, wantsIndentation(call) ? indentedJson.document(json) : json);
}

/** A log as text. What cannot be opened is answered with its error, unless the client follows: it gets the headers at once. */
export async function logAnswer(object: KubeObject, call: ResourceCall, services: Services): Promise<Answer> {
  const options = logOptions(call.query);
  const lines = services.log(object, options, call.signal);
  return { status: 200, headers: { 'Content-Type': 'text/plain; charset=utf-8' }, body: options.follow ? lines : await begun(lines) };
}

function logOptions(query: URLSearchParams): LogOptions {
  const sinceTime = query.get('sinceTime') ?? undefined;
  if (sinceTime !== undefined && !isTime(sinceTime))
    throw badRequest(`sinceTime: ${quote(sinceTime)} is not a time such as 2026-01-31T12:00:00Z`);
  return {
    follow: booleanParameter(query, 'follow') ?? false,
    tailLines: wholeNumber(query, 'tailLines'),
    sinceTime,
    timestamps: booleanParameter(query, 'timestamps') ?? false,
  };
}

const isTime = (text: string) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(Date.parse(text));

function wholeNumber(query: URLSearchParams, name: string): number | undefined {
  const number = integerParameter(query, name);
  if (number !== undefined && number < 0) throw badRequest(`${name}: ${number} is less than 0`);
  return number;
}
