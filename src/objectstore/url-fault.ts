/** Whether a URL can be that of a store at all. */
import { providers } from './providers.ts';

/** What is wrong with it; undefined where a provider can say more. Repeats no more of it than the scheme: the rest may hold a secret. */
export function urlFault(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) return 'not a URL such as file:///var/lib/kylon';
  const scheme = url.protocol.slice(0, -1);
  const known = providers.map((provider) => provider.scheme);
  if (!known.includes(scheme)) return `unknown scheme ${scheme}, known are ${known.join(', ')}`;
  if (url.username === '' && url.password === '') return undefined;
  return 'it holds a user name or password: secrets belong in the environment or a file';
}
