/** What stands in the file of GOOGLE_APPLICATION_CREDENTIALS, or in GOOGLE_CREDENTIALS, as far as can be told without asking Google. Never repeats its content. */
import { createPrivateKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { messageOf } from '../../base/lifetime.ts';
import { codeOf } from '../../base/system-errors.ts';
import { fieldsOf, parsed } from './gcs-answers.ts';
import { StoreDenied, StoreError, StoreUnavailable } from '../objectstore.ts';

export const variable = 'GOOGLE_APPLICATION_CREDENTIALS';
/** Holds the key itself. */
export const keyVariable = 'GOOGLE_CREDENTIALS';

export interface AccountKey {
  readonly client_email: string;
  readonly private_key: string;
}

/** Only the key of a service account: other forms name files, programs and addresses. Throws a StoreError. */
export function accountKeyOf(name: string, text: string): AccountKey {
  const fields = fieldsOf(parsed(text));
  const fault = fields['type'] === 'service_account' ? faultOf(fields) : 'is not the JSON key of a service account';
  if (fault !== undefined) throw new StoreError(`${name}: ${keyVariable} ${fault}; make a new key for the account`);
  return { client_email: String(fields['client_email']), private_key: String(fields['private_key']) };
}

/** Rejects with a StoreError that begins with `name` and says what is wrong with the file. */
export async function checkCredentials(name: string, path: string): Promise<void> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new StoreError(`${name}: ${variable}: the file ${path} cannot be read (${codeOf(error) ?? 'no file'})`, { cause: error });
  });
  const fault = faultOf(fieldsOf(parsed(text)));
  if (fault !== undefined) throw new StoreError(`${name}: ${variable}: the file ${path} ${fault}; make a new key for the account`);
}

function faultOf(fields: Readonly<Record<string, unknown>>): string | undefined {
  if (typeof fields['type'] !== 'string') return 'is not a JSON file of credentials with a type';
  if (fields['type'] !== 'service_account') return undefined;
  const missing = ['client_email', 'private_key'].find((field) => typeof fields[field] !== 'string' || fields[field] === '');
  if (missing !== undefined) return `has no ${missing}`;
  return isPrivateKey(String(fields['private_key'])) ? undefined : 'has a private_key that is none';
}

function isPrivateKey(pem: string): boolean {
  try {
    createPrivateKey(pem);
    return true;
  } catch {
    return false;
  }
}

/** Why there is no token, in the terms of a store. What Google says about the credentials is told as its code alone. */
export function tokenErrorOf(error: unknown, name: string): StoreError {
  const { status, response, cause } = fieldsOf(error);
  const told = typeof status === 'number' ? status : fieldsOf(response)['status'];
  if (messageOf(error).includes('Could not load the default credentials'))
    return new StoreDenied(
      `${name}: there are no credentials: set ${variable} to the path of a key file, or run where Google knows the workload`,
    );
  if (typeof told === 'number' && told >= 400 && told < 500 && told !== 408 && told !== 429)
    return new StoreDenied(`${name}: Google gives no token for the credentials (${told}${reasonOf(response)})`);
  const why = typeof told === 'number' ? String(told) : (codeOf(error) ?? codeOf(cause) ?? 'no answer');
  return new StoreUnavailable(`${name}: a token for the credentials could not be had (${why})`);
}

/** A code of OAuth, such as invalid_grant. */
function reasonOf(response: unknown): string {
  const { error } = fieldsOf(fieldsOf(response)['data']);
  return typeof error === 'string' && /^[a-z_]{1,40}$/.test(error) ? `, ${error}` : '';
}
