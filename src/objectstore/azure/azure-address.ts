/** What a URL azure://ACCOUNT/CONTAINER/PREFIX?endpoint=URL names. Messages say which part is wrong, never what stands there. */
import { checkKey } from '../keys.ts';
import { StoreError } from '../objectstore.ts';

export const azureUsage = [
  'azure://ACCOUNT/CONTAINER/PREFIX?endpoint=URL',
  '    A container of Azure Blob Storage. Credentials: AZURE_STORAGE_CONNECTION_STRING, _KEY or _SAS_TOKEN, else those of the workload.',
].join('\n');

export interface AzureAddress {
  readonly account: string;
  readonly container: string;
  /** What all names of blobs begin with: empty, or ending in a slash. */
  readonly prefix: string;
  /** Of the blob service, without a slash at its end; undefined where the URL does not say. */
  readonly endpoint: string | undefined;
  /** As ObjectStore.name. */
  readonly name: string;
}

/** https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules#microsoftstorage */
const accountPattern = /^[a-z0-9]{3,24}$/;
const containerPattern = /^(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*$/;
/** The name of a blob has 1024 characters at most, of which a key needs 512. */
const longestPrefix = 511;

/** Throws a StoreError. */
export function azureAddressOf(url: URL): AzureAddress {
  const account = url.hostname;
  const [, container = '', ...rest] = url.pathname.split('/');
  if (!accountPattern.test(account) || url.port !== '') refuse('the account', 'is not 3 to 24 characters of a-z 0-9');
  if (!containerPattern.test(container)) refuse('the container', 'is not 3 to 63 characters of a-z 0-9 and single dashes');
  if (url.hash !== '') refuse('it', 'has a # in it');
  const path = checkedPrefix(rest.join('/').replace(/\/$/, ''));
  return {
    account,
    container,
    prefix: path === '' ? '' : `${path}/`,
    endpoint: endpointOf(url.searchParams),
    name: ['azure:/', account, container, ...(path === '' ? [] : [path])].join('/'),
  };
}

/** Throws a StoreError that names `part`; otherwise the URL of a blob service without the slash at its end. */
export function checkedEndpoint(part: string, text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) throw new StoreError(`${part} is not an http or https URL`);
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    throw new StoreError(`${part} has more in it than scheme, host, port and path`);
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}

function checkedPrefix(path: string): string {
  if (path.length > longestPrefix) refuse('the prefix', `is longer than ${longestPrefix} characters`);
  try {
    if (path !== '') checkKey(path);
  } catch {
    refuse('the prefix', 'has a character other than A-Z a-z 0-9 . _ / - or an empty, "." or ".." part');
  }
  return path;
}

function endpointOf(parameters: URLSearchParams): string | undefined {
  const names = [...parameters.keys()];
  if (names.length > 1 || names.some((name) => name !== 'endpoint'))
    refuse('it', 'may have endpoint=URL behind the question mark and nothing else: secrets belong in the environment');
  const endpoint = parameters.get('endpoint');
  return endpoint === null ? undefined : checkedEndpoint('the URL of the object store is wrong: its endpoint', endpoint);
}

function refuse(part: string, fault: string): never {
  throw new StoreError(`the URL of the object store is wrong: ${part} ${fault} (azure://ACCOUNT/CONTAINER/PREFIX)`);
}
