/**
 * Tickets to a repository: a user name that says who may do what until when, and as password a proof that Kylon has said so. Every
 * replica that knows the ticket key of the repository can check them, and none has to remember them.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Permit, Rights } from './repositories.ts';

export interface Ticket extends Permit {
  readonly namespace: string;
  /** Seconds since the epoch. */
  readonly expires: number;
}

/** What somebody shows; whether it is genuine is another question. */
export interface ShownTicket extends Ticket {
  readonly proof: Uint8Array;
}

/** For HTTP Basic. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** Characters; an Authorization header that is longer holds no ticket. */
const longestHeader = 512;
const usernamePattern = /^(append|prune|read)\.([0-9]{1,12})\.([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)\.([a-z0-9-]{1,64})$/;
/** HMAC-SHA256 in base64url. */
const passwordPattern = /^[A-Za-z0-9_-]{43}$/;

export function credentialsOf(ticket: Ticket, ticketKey: Uint8Array): Credentials {
  return { username: usernameOf(ticket), password: proofOf(ticket, ticketKey).toString('base64url') };
}

/** The ticket in an Authorization header as sent; undefined where there is none. */
export function shownTicket(authorization: string): ShownTicket | undefined {
  if (authorization.length > longestHeader) return undefined;
  const [, encoded = ''] = /^Basic +([A-Za-z0-9+/]+=*)$/i.exec(authorization) ?? [];
  const [username = '', password = '', ...more] = Buffer.from(encoded, 'base64').toString('latin1').split(':');
  const [, rights, expires, namespace = '', holder = ''] = usernamePattern.exec(username) ?? [];
  if (rights === undefined || more.length > 0 || !passwordPattern.test(password)) return undefined;
  return { namespace, rights: rights as Rights, holder, expires: Number(expires), proof: Buffer.from(password, 'base64url') };
}

/** Whether it was given out under this key; not whether its time is over. */
export function isGenuine(ticket: ShownTicket, ticketKey: Uint8Array): boolean {
  const proof = proofOf(ticket, ticketKey);
  return proof.length === ticket.proof.length && timingSafeEqual(proof, ticket.proof);
}

const usernameOf = ({ rights, expires, namespace, holder }: Ticket) => `${rights}.${expires}.${namespace}.${holder}`;

/** The first line tells it from whatever else may be signed with the key one day. */
const proofOf = (ticket: Ticket, ticketKey: Uint8Array) =>
  createHmac('sha256', ticketKey)
    .update(`kylon repository ticket 1\n${usernameOf(ticket)}`)
    .digest();
