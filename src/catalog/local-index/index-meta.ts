/** The entry of the index that says where it stands, of which log it is, and in which format. */
import type { AnchorPoint } from '../rollback/anchor.ts';
import type { Head } from '../state/apply.ts';
import { digestText } from '../state/digest.ts';

/** Of which log an index is. */
export interface Identity {
  readonly store: string;
  readonly domain: string;
}

/** Rises when the entries change; an index of another format is thrown away. */
const format = 4;

type Meta = Omit<Head, 'digest'> & Identity & { readonly format: number; readonly digest: string };

export function metaText(head: Head, identity: Identity): string {
  return JSON.stringify({ format, ...identity, ...head, digest: digestText(head.digest) });
}

/** Where an index stands. Throws where the text is not of this format. */
export function headOf(text: string): Head {
  const { format: found, store: _, domain: __, digest, ...head } = JSON.parse(text) as Meta;
  if (found !== format) throw new Error(`the index has format ${found}, known is ${format}`);
  return { ...head, digest: BigInt(`0x${digest}`) };
}

/** As headOf, for an index that is of the log `identity`; undefined for any other. */
export function ownHeadOf(text: string, { store, domain }: Identity): Head | undefined {
  try {
    const meta = JSON.parse(text) as Partial<Identity> | null;
    return meta?.store === store && meta.domain === domain ? headOf(text) : undefined;
  } catch {
    return undefined;
  }
}

/** What an index of `domain` has seen of its log; undefined for one of another. Throws as headOf. */
export function pointOf(text: string, domain: string): AnchorPoint | undefined {
  const { store, domain: own } = JSON.parse(text) as Identity;
  const { n, hash, rv } = headOf(text);
  return own === domain ? { store, n, hash, rv } : undefined;
}
