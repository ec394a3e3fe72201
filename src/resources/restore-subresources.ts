/** What lies below a Restore. */
import type { Answer } from '../machinery/call.ts';
import { badRequest, quote } from '../machinery/errors.ts';
import type { KubeObject } from '../machinery/object.ts';
import { defineSubresource } from '../machinery/resource.ts';
import type { ResourceCall } from '../machinery/resource.ts';
import { choice, list, object, optional, text } from '../machinery/schema.ts';
import { listAnswer, logAnswer, logDelay, logParameters, pageOf, pageParameters } from './reading.ts';
import type { Outcome, Services } from './services.ts';

const outcomes: readonly Outcome[] = ['created', 'updated', 'recreated', 'unchanged', 'skipped', 'failed'];

const result = object('What became of one object.', {
  group: optional(text('API group of the object; empty for the core group.')),
  resource: text('Plural of its kind.'),
  namespace: optional(text('Namespace into which it was restored; empty where it lies in none.')),
  name: text('Name of the object.'),
  outcome: choice('What was done.', outcomes),
  message: optional(text('Why it was skipped or failed, or what else is to be said of it.')),
});

const results = defineSubresource<Services>({
  name: 'results',
  verbs: ['get'],
  kind: 'RestoreResultList',
  description:
    'List what became of each object of a Restore, as far as it got. While it is running, only the replica of Kylon that carries it out knows; others answer 409 and name it.',
  parameters: [
    ...pageParameters,
    { name: 'outcome', type: 'string', description: `Only objects with this outcome: ${outcomes.join(', ')}.` },
  ],
  produces: 'application/json',
  fields: { items: list('The objects, in the order in which they were done.', result) },
  subpath: false,
  handle: page,
});

const log = defineSubresource<Services>({
  name: 'log',
  verbs: ['get'],
  kind: 'Restore',
  description: `Read the log of a Restore, also while it is running. ${logDelay}`,
  parameters: logParameters,
  produces: 'text/plain',
  subpath: false,
  handle: logAnswer,
});

export const restoreSubresources = [results, log];

async function page(restore: KubeObject, call: ResourceCall, services: Services): Promise<Answer> {
  const query = { ...pageOf(call.query), ...outcomeOf(call.query) };
  return listAnswer(call, 'RestoreResultList', await services.results(restore, query, call.signal));
}

function outcomeOf(query: URLSearchParams): { readonly outcome?: Outcome } {
  const given = query.get('outcome');
  if (!given) return {};
  const outcome = outcomes.find((known) => known === given);
  if (!outcome) throw badRequest(`outcome: ${quote(given)} is none of ${outcomes.join(', ')}`);
  return { outcome };
}
