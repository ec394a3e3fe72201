/** The query parameters of writes. https://kubernetes.io/docs/reference/using-api/api-concepts/ */
import { invalid } from '../errors.ts';
import type { FieldError } from '../errors.ts';

export type FieldValidation = 'Ignore' | 'Warn' | 'Strict';

export interface WriteOptions {
  readonly dryRun: boolean;
  readonly fieldValidation: FieldValidation;
}

type Kind = 'CreateOptions' | 'UpdateOptions' | 'PatchOptions';

const validations: readonly string[] = ['', 'Ignore', 'Strict', 'Warn'];
/** Of fieldManager, in bytes. */
const maxManager = 128;

/** Throws ApiError 422. */
export function writeOptions(kind: Kind, query: URLSearchParams): WriteOptions {
  const fieldValidation = query.get('fieldValidation') ?? '';
  refuseOptions(kind, [
    ...dryRunFaults(query.getAll('dryRun')),
    ...managerFaults(query.get('fieldManager') ?? ''),
    ...choiceFaults('fieldValidation', fieldValidation, validations),
    ...(kind === 'PatchOptions' && query.has('force') ? [forceless] : []),
  ]);
  return { dryRun: isDryRun(query.getAll('dryRun')), fieldValidation: (fieldValidation || 'Warn') as FieldValidation };
}

/** Throws ApiError 422 if there is a fault. */
export function refuseOptions(kind: string, faults: readonly FieldError[]): void {
  if (faults.length > 0) throw invalid({ group: 'meta.k8s.io', kind }, '', faults);
}

export function isDryRun(values: readonly string[]): boolean {
  return values.includes('All');
}

export function dryRunFaults(values: readonly string[]): readonly FieldError[] {
  return values.flatMap((value) => choiceFaults('dryRun', value, ['All']));
}

export function choiceFaults(field: string, value: string, choices: readonly string[]): readonly FieldError[] {
  if (choices.includes(value)) return [];
  return [{ field, type: 'Unsupported value', value, detail: `supported values: ${choices.map((choice) => `"${choice}"`).join(', ')}` }];
}

const forceless: FieldError = { field: 'force', type: 'Forbidden', detail: 'may not be specified for non-apply patch' };

function managerFaults(manager: string): readonly FieldError[] {
  const field = 'fieldManager';
  if (Buffer.byteLength(manager) > maxManager) return [{ field, type: 'Too long', detail: `may not be more than ${maxManager} bytes` }];
  return /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]*$/u.test(manager)
    ? []
    : [{ field, type: 'Invalid value', value: manager, detail: 'should only contain printable characters' }];
}
