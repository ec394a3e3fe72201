/** Requests of restic and the answers to them, without HTTP objects; whoever serves turns one into the other. */

export interface RepositoryRequest {
  /** Upper case. */
  readonly method: string;
  /** As sent, with the query. */
  readonly url: string;
  /** These headers as sent; empty where there was none. */
  readonly authorization: string;
  readonly accept: string;
  readonly range: string;
  /** Bytes; undefined where the sender does not say. */
  readonly contentLength: number | undefined;
  /** May be left in the middle. */
  readonly body: AsyncIterable<Uint8Array>;
}

export interface RepositoryAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Of an answer to HEAD nobody reads it. */
  readonly body: string | AsyncIterable<string | Uint8Array>;
}

/** What ends a request before its work is done. The message goes to the client. */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, message: string, headers: Readonly<Record<string, string>> = {}, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
    this.headers = headers;
  }
}

export function plain(status: number, text: string, headers: Readonly<Record<string, string>> = {}): RepositoryAnswer {
  return { status, headers: { 'Content-Type': 'text/plain; charset=utf-8', ...headers }, body: text === '' ? '' : `${text}\n` };
}

/** For what may be tried again: seconds. */
export const comeAgain = { 'Retry-After': '5' };

export const binary = 'binary/octet-stream';
