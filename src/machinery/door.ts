/** Where requests come in: to what is asked of a resource, to a document, or to nothing. */
import type { Api } from './api.ts';
import type { Answer, Call } from './call.ts';
import { describe } from './description/documents.ts';
import { dispatch } from './dispatch.ts';
import { noSuchPath, notYetServed } from './errors.ts';

/** Closed until everything is wired: then requests are told to come again, because a 404 would be believed. */
export class Door {
  #api: Api | undefined;

  open(api: Api): void {
    this.#api = api;
  }

  /** Rejects with ApiError for all that a client may be told. */
  async handle(call: Call): Promise<Answer> {
    if (!this.#api) throw notYetServed();
    if (call.resource) return dispatch(this.#api, call);
    const described = describe(this.#api, call);
    if (!described) throw noSuchPath();
    return described;
  }
}
