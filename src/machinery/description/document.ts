/** An answer that is made once and served from memory, with a tag that is a pure function of its content. */
import { createHash } from 'node:crypto';
import type { Answer, Call } from '../call.ts';

export interface Document {
  readonly body: string;
  /** SHA-512 in upper-case hexadecimal digits. */
  readonly hash: string;
}

export function documentOf(content: unknown): Document {
  const body = JSON.stringify(content);
  return { body, hash: createHash('sha512').update(body).digest('hex').toUpperCase() };
}

/** 200 with the document, or 304 where the client has it already. */
export function serve(document: Document, call: Pick<Call, 'ifNoneMatch'>, headers: Readonly<Record<string, string>>): Answer {
  const all = { ...headers, ETag: `"${document.hash}"`, Vary: 'Accept' };
  return matchesTag(call.ifNoneMatch, document.hash)
    ? { status: 304, headers: all, body: '' }
    : { status: 200, headers: all, body: document.body };
}

/** Whether an If-None-Match header names this tag, given without its quotes. */
export function matchesTag(header: string, tag: string): boolean {
  return header.split(',').some((text) => {
    const given = text.trim().replace(/^W\//, '');
    return given === '*' || given === `"${tag}"`;
  });
}
