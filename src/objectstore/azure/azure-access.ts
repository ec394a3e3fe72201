/** Where the blob service is and how Kylon proves who it is: from the environment, the first of four that is set. */
import type { AzureAddress } from './azure-address.ts';
import { checkedEndpoint } from './azure-address.ts';
import { StoreError } from '../objectstore.ts';
import type { StoreParts } from '../provider.ts';

type Secret = { readonly kind: 'key'; readonly key: string } | { readonly kind: 'sas'; readonly token: string };

/** The endpoint is without a slash at its end. */
export type AzureAccess = { readonly endpoint: string } & (Secret | { readonly kind: 'identity' });

const connectionVariable = 'AZURE_STORAGE_CONNECTION_STRING';
const keyVariable = 'AZURE_STORAGE_KEY';
const sasVariable = 'AZURE_STORAGE_SAS_TOKEN';

/** Throws a StoreError that names the variable and its fault, never its content. */
export function azureAccessOf(address: AzureAddress, env: StoreParts['env']): AzureAccess {
  const endpoint = address.endpoint ?? `https://${address.account}.blob.core.windows.net`;
  if (env[connectionVariable]) return fromConnectionString(address, env[connectionVariable]);
  if (env[keyVariable]) return { endpoint, ...keyOf(keyVariable, env[keyVariable]) };
  if (env[sasVariable]) return { endpoint, ...sasOf(sasVariable, env[sasVariable]) };
  if (endpoint.startsWith('http:')) throw new StoreError(`${address.name}: with an identity of Azure the endpoint must be https`);
  return { endpoint, kind: 'identity' };
}

/** https://learn.microsoft.com/azure/storage/common/storage-configure-connection-string */
function fromConnectionString(address: AzureAddress, text: string): AzureAccess {
  const parts = partsOf(text);
  const endpoint = address.endpoint ?? connectionEndpoint(parts);
  const account = parts.get('AccountName') ?? accountAt(endpoint);
  if (account !== address.account) throw new StoreError(`${connectionVariable} is of another account than the URL of the object store`);
  return { endpoint, ...secretOf(parts) };
}

/** Only the first = of a part separates: keys and tokens have more of them. */
function partsOf(text: string): ReadonlyMap<string, string> {
  const parts = text.split(';').filter((part) => part.trim() !== '');
  if (parts.some((part) => !/^\s*[A-Za-z]+=/.test(part))) throw new StoreError(`${connectionVariable} has a part without NAME=`);
  return new Map(parts.map((part) => [part.slice(0, part.indexOf('=')).trim(), part.slice(part.indexOf('=') + 1).trim()]));
}

function connectionEndpoint(parts: ReadonlyMap<string, string>): string {
  const given = parts.get('BlobEndpoint');
  if (given !== undefined) return checkedEndpoint(`the BlobEndpoint of ${connectionVariable}`, given);
  const account = parts.get('AccountName');
  if (account === undefined) throw new StoreError(`${connectionVariable} has neither BlobEndpoint nor AccountName`);
  const { DefaultEndpointsProtocol: scheme = 'https', EndpointSuffix: suffix = 'core.windows.net' } = Object.fromEntries(parts);
  return checkedEndpoint(
    `the DefaultEndpointsProtocol or EndpointSuffix of ${connectionVariable}`,
    `${scheme}://${account}.blob.${suffix}`,
  );
}

/** The account leads the host name; where the host is an address, as of an emulator, it leads the path. */
function accountAt(endpoint: string): string | undefined {
  const { hostname, pathname } = new URL(endpoint);
  return pathname === '/' ? hostname.split('.')[0] : pathname.split('/')[1];
}

function secretOf(parts: ReadonlyMap<string, string>): Secret {
  const key = parts.get('AccountKey');
  if (key !== undefined) return keyOf(`the AccountKey of ${connectionVariable}`, key);
  const token = parts.get('SharedAccessSignature');
  if (token !== undefined) return sasOf(`the SharedAccessSignature of ${connectionVariable}`, token);
  throw new StoreError(`${connectionVariable} has neither AccountKey nor SharedAccessSignature`);
}

function keyOf(part: string, key: string): Secret {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(key)) throw new StoreError(`${part} is not in base64`);
  return { kind: 'key', key };
}

function sasOf(part: string, text: string): Secret {
  const token = text.replace(/^\?/, '');
  if (!/^[\x21-\x7e]+$/.test(token) || !new URLSearchParams(token).has('sig'))
    throw new StoreError(`${part} is not a SAS token: it has no sig= among its parts`);
  return { kind: 'sas', token };
}
