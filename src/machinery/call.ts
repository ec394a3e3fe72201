/** A request as the verbs see it, and what they answer. Nothing here knows HTTP objects; server/ turns one into the other. */
import type { User } from './user.ts';

/** What the path and the query ask for. Made once, by path.ts; decides authorization and handler alike. */
export interface Target {
  /** Upper case. */
  readonly method: string;
  /** As sent, decoded once. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** get, list, watch, create, update, patch, delete, deletecollection; for other paths the method in lower case. */
  readonly verb: string;
  /** Undefined for everything that is not /api/V/… or /apis/G/V/… with a resource. */
  readonly resource: ResourceTarget | undefined;
}

export interface ResourceTarget {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  /** Undefined where the path names none: cluster-wide. */
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
  /** What follows the subresource, part by part. */
  readonly subpath: readonly string[];
}

/** A request whose sender is known. */
export interface Call extends Target {
  readonly user: User;
  /** The Accept header as sent; empty if there was none. */
  readonly accept: string;
  /** The Content-Type header as sent; empty if there was none. */
  readonly contentType: string;
  readonly userAgent: string;
  /** The Range header as sent; empty if there was none. */
  readonly range: string;
  /** The If-Range header as sent; empty if there was none. */
  readonly ifRange: string;
  /** The If-None-Match header as sent; empty if there was none. */
  readonly ifNoneMatch: string;
  readonly body: Uint8Array;
  /** Aborts when the client goes away, and at the request's deadline. */
  readonly signal: AbortSignal;
  /** Adds a Warning header to the answer. Call it before answering. */
  warn(text: string): void;
}

export interface Answer {
  readonly status: number;
  /** With the names as they are to be sent; holds Content-Type. */
  readonly headers: Readonly<Record<string, string>>;
  /**
   * Text and bytes are sent at once. A stream is sent piece by piece with back-pressure, headers first and without waiting
   * for the first piece; an error in the middle breaks the connection.
   */
  readonly body: string | Uint8Array | AsyncIterable<string | Uint8Array>;
  /**
   * True for a stream that nobody reads piece by piece, such as a list: it may be compressed, and its headers wait for the
   * first 128 KiB, so that an error before that is still a Status. Bytes in it are never changed and may be in later answers too.
   * Never for watches, logs and downloads.
   */
  readonly list?: boolean;
}

export function jsonAnswer(status: number, body: string | AsyncIterable<string>, headers: Record<string, string> = {}): Answer {
  return { status, headers: { 'Content-Type': 'application/json', ...headers }, body };
}
