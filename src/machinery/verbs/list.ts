/** GET of a collection. */
import type { Api } from '../api.ts';
import type { Answer } from '../call.ts';
import { readListing } from '../reading/listing.ts';
import { negotiate } from '../views/negotiate.ts';
import type { ResourceCall } from '../resource.ts';

export async function list(api: Api, call: ResourceCall): Promise<Answer> {
  const representation = negotiate(api, call, 'list');
  const { metadata, pages } = await readListing(api, call);
  return {
    status: 200,
    headers: { 'Content-Type': representation.contentType },
    body: representation.list(call.definition, metadata, pages),
    list: true,
  };
}
