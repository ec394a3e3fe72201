/** How a deletion is to be done: from the body, or where there is none, from the query. */
import { parseBody } from './body.ts';
import type { Call } from '../call.ts';
import { badRequest } from '../errors.ts';
import type { FieldError } from '../errors.ts';
import { metaSchemas } from '../description/meta-schema.ts';
import { booleanParameter, integerParameter } from './query-values.ts';
import { groupVersion } from '../resource.ts';
import type { ResourceCall } from '../resource.ts';
import { valueFaults } from './schema-faults.ts';
import { choiceFaults, dryRunFaults, isDryRun, refuseOptions } from './write-options.ts';

export type Propagation = 'Foreground' | 'Background' | 'Orphan';

export interface DeleteOptions {
  readonly dryRun: boolean;
  /** Undefined: as the finalizers of the object say. */
  readonly propagation: Propagation | undefined;
  readonly preconditions: { readonly uid?: string; readonly resourceVersion?: string };
}

interface Given {
  readonly dryRun?: readonly string[];
  readonly gracePeriodSeconds?: number;
  readonly orphanDependents?: boolean;
  readonly propagationPolicy?: string;
  readonly preconditions?: DeleteOptions['preconditions'];
}

/** Throws ApiError 400, 413, 415 or 422. */
export function deleteOptions(call: ResourceCall): DeleteOptions {
  const given = call.body.byteLength > 0 ? fromBody(call) : fromQuery(call);
  const { dryRun = [], orphanDependents, propagationPolicy, preconditions = {} } = given;
  refuseOptions('DeleteOptions', faultsOf(given));
  const legacy = orphanDependents === undefined ? undefined : orphanDependents ? 'Orphan' : 'Background';
  return { dryRun: isDryRun(dryRun), propagation: (propagationPolicy ?? legacy) as Propagation | undefined, preconditions };
}

function fromQuery({ query }: Call): Given {
  const grace = integerParameter(query, 'gracePeriodSeconds');
  const orphan = booleanParameter(query, 'orphanDependents');
  const policy = query.get('propagationPolicy');
  return {
    dryRun: query.getAll('dryRun'),
    ...(policy !== null && { propagationPolicy: policy }),
    ...(grace !== undefined && { gracePeriodSeconds: grace }),
    ...(orphan !== undefined && { orphanDependents: orphan }),
  };
}

function fromBody({ body, contentType, definition }: ResourceCall): Given {
  const given = withoutNulls(parseBody(body, contentType, 'DeleteOptions').value ?? {});
  const [wrong] = valueFaults(metaSchemas.DeleteOptions, given, '').filter(({ detail }) => detail.includes('must be of type'));
  if (wrong) throw badRequest(`DeleteOptions in version "v1" cannot be handled as a DeleteOptions: ${wrong.detail}`);
  const options = given as Given & { apiVersion?: string; kind?: string };
  const versions = ['v1', 'meta.k8s.io/v1', groupVersion(definition)];
  if ((options.kind ?? '') !== '' && options.kind !== 'DeleteOptions')
    throw badRequest(`the kind in the data (${options.kind}) does not match the expected kind (DeleteOptions)`);
  if ((options.apiVersion ?? '') !== '' && !versions.includes(options.apiVersion ?? ''))
    throw badRequest(`the API version in the data (${options.apiVersion}) does not match the expected API version (v1)`);
  return options;
}

function withoutNulls(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== null));
}

function faultsOf({ dryRun = [], gracePeriodSeconds = 0, orphanDependents, propagationPolicy }: Given): readonly FieldError[] {
  const field = 'propagationPolicy';
  const both = propagationPolicy !== undefined && orphanDependents !== undefined;
  return [
    ...(both
      ? [
          {
            field,
            type: 'Invalid value',
            value: propagationPolicy,
            detail: 'orphanDependents and deletionPropagation cannot be both set',
          } as const,
        ]
      : []),
    ...(propagationPolicy === undefined ? [] : choiceFaults(field, propagationPolicy, ['Foreground', 'Background', 'Orphan'])),
    ...dryRunFaults(dryRun),
    ...(gracePeriodSeconds < 0
      ? [
          {
            field: 'gracePeriodSeconds',
            type: 'Invalid value',
            value: gracePeriodSeconds,
            detail: 'must be greater than or equal to 0',
          } as const,
        ]
      : []),
  ];
}
