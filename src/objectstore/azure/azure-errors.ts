/**
 * What Azure says, in the terms of an object store. Its own words are not passed on: they may hold parts of what was signed,
 * and an error of the SDK holds the request with its secrets, so it is no `cause` either.
 */
import { StoreDenied, StoreError, StoreFull, StoreNotFound, StoreUnavailable } from '../objectstore.ts';

export interface AzurePlace {
  /** As ObjectStore.name. */
  readonly name: string;
  readonly container: string;
}

interface Translation {
  readonly as: typeof StoreError;
  readonly cause: string;
}

const denied = (cause: string): Translation => ({ as: StoreDenied, cause });

/** https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes */
const byCode: Readonly<Record<string, Translation>> = {
  AuthenticationFailed: denied(
    'the key, SAS token or identity is wrong or has expired, or the clock of this machine is off: check AZURE_STORAGE_* and the time',
  ),
  InvalidAuthenticationInfo: denied('the credentials are malformed or of another tenant: check AZURE_STORAGE_* or the identity'),
  NoAuthenticationInformation: denied('the credentials are of a kind that the account does not take'),
  AuthorizationFailure: denied(
    'the credentials are wrong, have expired or do not allow it, or the firewall of the account keeps this machine out: check AZURE_STORAGE_* and its network rules',
  ),
  AuthorizationPermissionMismatch: denied(
    'the SAS token lacks the permission, or the identity a role such as Storage Blob Data Contributor',
  ),
  AuthorizationProtocolMismatch: denied('the SAS token is for https only'),
  AuthorizationSourceIPMismatch: denied('the SAS token is not for the address of this machine'),
  AuthorizationServiceMismatch: denied('the SAS token is not for blobs'),
  AuthorizationResourceTypeMismatch: denied('the SAS token must be for containers and objects'),
  KeyBasedAuthenticationNotPermitted: denied('the account does not allow its keys to be used: use an identity'),
  InsufficientAccountPermissions: denied('the account does not allow it'),
  AccountIsDisabled: denied('the account is disabled'),
  BlobImmutableDueToPolicy: denied('a policy of immutability forbids it'),
  BlobArchived: { as: StoreError, cause: 'the blob lies in the archive tier and must be rehydrated first' },
  Md5Mismatch: { as: StoreUnavailable, cause: 'it arrived damaged' },
};

const byStatus: Readonly<Record<number, Translation>> = {
  400: { as: StoreError, cause: 'Azure does not understand the request' },
  401: denied('Azure does not know who asks: check the credentials'),
  403: denied('the credentials do not allow it'),
  404: { as: StoreNotFound, cause: 'it does not exist' },
  409: { as: StoreUnavailable, cause: 'something else is going on with it' },
  413: { as: StoreError, cause: 'it is too large' },
  429: { as: StoreUnavailable, cause: 'there are too many requests' },
  507: { as: StoreFull, cause: 'the account is full' },
};

const untrusted = 'its certificate is not trusted: name the file of its CA in NODE_EXTRA_CA_CERTS';

/** Of Node, when there was no answer. */
const network: Readonly<Record<string, string>> = {
  ENOTFOUND: 'there is no such host: check the account and the endpoint',
  EAI_AGAIN: 'the name of the host cannot be resolved now',
  ECONNREFUSED: 'nothing listens there: check the endpoint',
  ECONNRESET: 'the connection was cut',
  EPIPE: 'the connection was cut',
  ETIMEDOUT: 'the connection timed out',
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
};

const noCredentials =
  'there are no credentials of Azure that work: set AZURE_STORAGE_KEY, AZURE_STORAGE_SAS_TOKEN or AZURE_STORAGE_CONNECTION_STRING, or give this process an identity';

/** Of the SDK's @azure/identity. */
const identityErrors: Readonly<Record<string, Translation>> = {
  CredentialUnavailableError: denied(noCredentials),
  AggregateAuthenticationError: denied(noCredentials),
  AuthenticationRequiredError: denied(noCredentials),
};

/** `doing` says what could not be done. */
export function azureErrorOf(error: unknown, place: AzurePlace, doing: string): StoreError {
  if (error instanceof StoreError) return error;
  const { as: Translated, cause } = translationOf(error, place);
  return new Translated(`${place.name}: cannot ${doing}: ${cause}${referenceOf(error)}`);
}

/** 0 where there was no answer. */
export function statusOf(error: unknown): number {
  return error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number' ? error.statusCode : 0;
}

/** Whether it refuses a create because the blob is there. */
export function isTaken(error: unknown): boolean {
  return statusOf(error) === 412 || ['BlobAlreadyExists', 'UnauthorizedBlobOverwrite'].includes(codeOf(error));
}

function translationOf(error: unknown, { container }: AzurePlace): Translation {
  const code = codeOf(error);
  const status = statusOf(error);
  if (code === 'ContainerNotFound')
    return { as: StoreError, cause: `the container ${container} does not exist: create it, or correct the URL` };
  const known = byCode[code] ?? identityErrorOf(error, status) ?? byStatus[status];
  if (known !== undefined) return known;
  if (status === 0) return { as: StoreUnavailable, cause: network[code] ?? 'there was no answer, or not all of it' };
  return { as: status < 500 ? StoreError : StoreUnavailable, cause: status < 500 ? 'Azure refuses it' : 'Azure has trouble' };
}

/** A status of AuthenticationError is that of the service that gives tokens. */
function identityErrorOf(error: unknown, status: number): Translation | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error.name === 'AuthenticationError' && status < 500) return denied('Azure refuses the identity: check AZURE_CLIENT_ID and the like');
  return identityErrors[error.name];
}

/** The code of Azure, which an answer without a body has in a header only; else that of Node. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  const code = headerOf(error, 'x-ms-error-code') ?? ('code' in error ? error.code : undefined);
  return typeof code === 'string' && /^[A-Za-z0-9_]{1,80}$/.test(code) ? code : '';
}

/** For whoever asks Azure's support. */
function referenceOf(error: unknown): string {
  const id = error instanceof Error ? headerOf(error, 'x-ms-request-id') : undefined;
  const facts = [statusOf(error) || '', codeOf(error), id !== undefined && /^[0-9a-f-]{1,40}$/i.test(id) ? `request ${id}` : ''];
  const text = facts.filter((fact) => fact !== '').join(', ');
  return text === '' ? '' : ` (${text})`;
}

function headerOf(error: Error, name: string): string | undefined {
  if (!('response' in error)) return undefined;
  const { headers } = (error.response ?? {}) as { readonly headers?: { get(name: string): string | undefined } };
  return headers?.get(name);
}
