/** Whether a URL can be that of a store at all. */
import { providers } from './providers.ts';

/** What is wrong with it; undefined where opening can say more. Repeats nothing that may hold a secret. */
export function urlFault(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) return 'not a URL such as file:///var/lib/kylon';
  const scheme = url.protocol.slice(0, -1);
  const provider = providers.find((one) => one.scheme === scheme);
  if (!provider) return `unknown scheme ${scheme}, known are ${providers.map((one) => one.scheme).join(', ')}`;
  if (url.username !== '' || url.password !== '') return 'it holds a user name or password: secrets belong in the environment or a file';
  return provider.faultOf?.(text);
}
