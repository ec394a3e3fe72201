/** Sends cases to a server, many at a time, until one is answered wrongly or all are through. */
import type { Case } from './cases.ts';
import { caseOf } from './cases.ts';
import type { Who } from './draft.ts';
import { faultOf } from './verdict.ts';
import type { MaySee } from './verdict.ts';
import { groundOf, stretch } from './vocabulary.ts';
import { Connection } from './wire.ts';
import type { Address, Reply } from './wire.ts';

export interface Range {
  readonly seed: number;
  readonly first: number;
  readonly count: number;
}

export interface Target {
  readonly addresses: Readonly<Record<Who, Address>>;
  readonly maySee: MaySee;
  /** Makes a namespace with the objects that cases are about, and what they may not be about. */
  readonly prepare: (namespace: string) => Promise<void>;
}

interface Finding {
  readonly number: number;
  readonly fault: string;
  readonly sent: string;
  readonly answer: string;
}

export interface Outcome {
  /** How often which status came; `closed` where the server ended the connection without a word. */
  readonly statuses: ReadonlyMap<string, number>;
  readonly findings: readonly Finding[];
}

const workers = 24;
/** One fault is found in many ways. */
const enough = 10;

export async function fuzz(range: Range, target: Target): Promise<Outcome> {
  const statuses = new Map<string, number>();
  const findings: Finding[] = [];
  const end = range.first + range.count;
  for (let from = range.first, next; from < end && findings.length < enough; from = next) {
    await target.prepare(groundOf(from));
    next = Math.min((Math.floor(from / stretch) + 1) * stretch, end);
    const numbers = Array.from({ length: next - from }, (_, n) => from + n).values();
    await Promise.all(
      Array.from({ length: Math.min(workers, range.count) }, async () => {
        using sender = new Sender(target);
        for (const number of numbers) {
          if (findings.length >= enough) return;
          const { seen, finding } = await sender.send(caseOf(range.seed, number));
          seen.forEach((status) => statuses.set(status, (statuses.get(status) ?? 0) + 1));
          if (finding) findings.push(finding);
        }
      }),
    );
  }
  return { statuses, findings };
}

interface Seen {
  readonly seen: readonly string[];
  readonly finding?: Finding;
}

/** A connection for each user, made anew when it has ended. */
class Sender {
  readonly #target: Target;
  readonly #connections = new Map<Who, Connection>();

  constructor(target: Target) {
    this.#target = target;
  }

  async send(one: Case): Promise<Seen> {
    try {
      return one.isOneRequest ? await this.#ask(one) : await this.#say(one);
    } catch (error) {
      this.#connections.get(one.who)?.close();
      return { seen: ['error'], finding: findingOf(one, String(error), undefined) };
    }
  }

  async #ask(one: Case): Promise<Seen> {
    const reply = await (await this.#connection(one.who)).ask(one.bytes, one);
    if (!reply) return { seen: ['none'], finding: findingOf(one, 'no complete answer in time', undefined) };
    return this.#judge(one, [reply]);
  }

  /** Half a request may stay without an answer, once its sender has gone. */
  async #say(one: Case): Promise<Seen> {
    const connection = await Connection.open(this.#target.addresses[one.who]);
    const said = await connection.say(one.bytes, one.isHead);
    if (!said) return { seen: ['none'], finding: findingOf(one, 'the connection stays open', undefined) };
    return said.replies.length === 0 ? { seen: ['closed'] } : this.#judge({ ...one, mayTimeOut: true }, said.replies);
  }

  #judge(one: Case, replies: readonly Reply[]): Seen {
    const seen = replies.map(({ status }) => String(status));
    for (const reply of replies) {
      const fault = faultOf(one, reply, this.#target.maySee);
      if (fault !== undefined) return { seen, finding: findingOf(one, fault, reply) };
    }
    return { seen };
  }

  async #connection(who: Who): Promise<Connection> {
    const there = this.#connections.get(who);
    if (there?.usable) return there;
    const made = await Connection.open(this.#target.addresses[who]);
    this.#connections.set(who, made);
    return made;
  }

  [Symbol.dispose](): void {
    for (const connection of this.#connections.values()) connection.close();
  }
}

const longest = 2000;

function findingOf({ number, who, bytes }: Case, fault: string, reply: Reply | undefined): Finding {
  const sent = `${who}: ${bytes.toString('latin1').slice(0, longest)}`;
  const answer = reply ? `${reply.status} ${JSON.stringify([...reply.headers])}\n${reply.body.toString('utf8').slice(0, longest)}` : 'none';
  return { number, fault, sent, answer };
}
