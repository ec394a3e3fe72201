/** Lists below an object, page by page: items, differences, results. */
import type { Api } from '../api/api.ts';

export interface Page<T> {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: { readonly continue?: string };
  readonly items?: readonly T[] | null;
  /** What could not be looked at. */
  readonly warnings?: readonly string[];
}

/** A page may be empty, and have another behind it. */
export async function* pagesOf<T>(
  api: Api,
  path: string,
  query: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): AsyncIterable<Page<T>> {
  let token: string | undefined;
  do {
    const page: Page<T> = await api.json<Page<T>>({ path, query: { ...query, continue: token } }, signal);
    yield page;
    token = page.metadata?.continue || undefined;
  } while (token !== undefined);
}
