/** Who may do it: the ticket of a request, and what it is good for. */
import type { Clock } from '../../base/clock.ts';
import type { SecretFiles } from '../secrets.ts';
import type { ShownTicket } from '../tickets.ts';
import { isGenuine, shownTicket } from '../tickets.ts';
import { Refused } from './exchange.ts';
import type { Operation, Target } from './target.ts';
import { allowedTo } from './target.ts';

/** Rejects with Refused 401 where the ticket is none, or of another store, or its time is over, and with a StoreError. */
export async function genuineTicket(
  authorization: string,
  { storeName }: Target,
  { secrets, clock }: { readonly secrets: SecretFiles; readonly clock: Clock },
  signal: AbortSignal,
): Promise<ShownTicket> {
  const ticket = shownTicket(authorization);
  if (ticket === undefined || ticket.expires * 1000 <= clock.now()) throw unauthorized();
  const known = await secrets.find({ storeName, namespace: ticket.namespace }, signal);
  if (known === undefined || !isGenuine(ticket, known.ticketKey)) throw unauthorized();
  return ticket;
}

/** Throws Refused 403. */
export function admit({ namespace, rights }: ShownTicket, operation: Operation, target: Target): void {
  if (namespace !== target.namespace) throw new Refused(403, 'the ticket is of another namespace');
  const allowed = allowedTo(operation, target);
  if (allowed.length === 0) throw new Refused(403, `${operation}: nobody may do that here`);
  if (!allowed.includes(rights)) throw new Refused(403, `${operation}: not by a ticket to ${rights}`);
}

const unauthorized = () =>
  new Refused(401, 'no ticket, or none that is good any more', { 'WWW-Authenticate': 'Basic realm="repository", charset="UTF-8"' });
