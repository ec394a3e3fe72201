/** The SDK of S3, loaded and set up: no retries of its own, bounded sockets, time-outs, and silent. */
import { readFile } from 'node:fs/promises';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { SecureContext } from 'node:tls';
import { createSecureContext, getCACertificates } from 'node:tls';
import type * as S3Sdk from '@aws-sdk/client-s3';
import { messageOf } from '../../base/lifetime.ts';
import { StoreError } from '../objectstore.ts';
import type { S3Options } from './s3-options.ts';

export interface S3Connection {
  readonly sdk: typeof S3Sdk;
  readonly client: S3Sdk.S3Client;
}

/** Milliseconds. */
export interface S3Timeouts {
  readonly connect: number;
  /** Without a byte in either direction. */
  readonly idle: number;
}

const usualTimeouts: S3Timeouts = { connect: 10_000, idle: 60_000 };

/** More than limited.ts lets happen at once, three parts for each upload. */
const mostSockets = 160;
/** Milliseconds; shorter than any store or balancer keeps an unused connection, so that a request seldom meets one that is just being closed. */
const unusedSocketLife = 10_000;

export async function connectS3(
  options: S3Options & { readonly ca?: string | undefined },
  timeouts = usualTimeouts,
): Promise<S3Connection> {
  const secureContext = await secureContextOf(options);
  const sdk = await import('@aws-sdk/client-s3');
  const { NodeHttpHandler } = await import('@smithy/node-http-handler');
  const agent = { keepAlive: true, maxSockets: mostSockets, timeout: unusedSocketLife };
  const client = new sdk.S3Client({
    maxAttempts: 1,
    forcePathStyle: options.pathStyle,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    expectContinueHeader: false,
    logger: silent,
    requestHandler: new NodeHttpHandler({
      connectionTimeout: timeouts.connect,
      socketTimeout: timeouts.idle,
      httpAgent: new HttpAgent(agent),
      httpsAgent: new HttpsAgent({ ...agent, ...(secureContext && { secureContext }) }),
    }),
    ...(options.endpoint !== undefined && { endpoint: options.endpoint }),
    ...(options.region !== undefined && { region: options.region }),
    ...(options.keys && { credentials: options.keys }),
  });
  await client.config.region().catch(() => {
    throw new StoreError(`${options.name}: no region is known: name it by ?region= or AWS_REGION`);
  });
  return { sdk, client };
}

/** The certificates of caFile, or those that are given, beside those that Node trusts anyway. Made once: a connection must not parse them all again. */
async function secureContextOf({ name, caFile, ca }: S3Options & { readonly ca?: string | undefined }): Promise<SecureContext | undefined> {
  if (ca !== undefined) return contextOf(ca, `${name}: cannot use the certificates that are given for it`);
  if (caFile === undefined) return undefined;
  const fault = `${name}: cannot use the file that caFile names`;
  const own = await readFile(caFile, 'utf8').catch((error: unknown) => {
    throw new StoreError(`${fault}: ${messageOf(error)}`, { cause: error });
  });
  return contextOf(own, fault);
}

function contextOf(own: string, fault: string): SecureContext {
  try {
    if (!own.includes('-----BEGIN CERTIFICATE-----')) throw new Error('it holds no certificate in PEM form');
    return createSecureContext({ ca: [...getCACertificates('default'), own] });
  } catch (error) {
    throw new StoreError(`${fault}: ${messageOf(error)}`, { cause: error });
  }
}

const ignore = () => {};
/** The SDK would write its advice to stderr. What goes wrong is thrown anyway. */
const silent = { trace: ignore, debug: ignore, info: ignore, warn: ignore, error: ignore };
