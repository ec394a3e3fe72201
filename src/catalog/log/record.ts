/** One change as it stands in the log: a line of JSON, whose member `object`, the last one, is the kept text byte by byte. */
import type { ObjectKey } from '../../machinery/storage.ts';

export interface LogRecord {
  readonly op: 'create' | 'update' | 'delete';
  readonly key: ObjectKey;
  /** The number of the state that this change replaces; 0 where there was none. */
  readonly prev: number;
  /** The object after the change; empty for a delete. */
  readonly json: string;
}

/** No earlier member can hold these characters: in a JSON string the quotes would be escaped. */
const objectMark = ',"object":';

/** The body of a segment before compression. */
export function encodeRecords(records: readonly LogRecord[]): string {
  return records.map((record) => `${encodeRecord(record)}\n`).join('');
}

function encodeRecord({ op, key, prev, json }: LogRecord): string {
  const head = JSON.stringify({ op, resource: key.resource, namespace: key.namespace, name: key.name, prev });
  return op === 'delete' ? head : `${head.slice(0, -1)}${objectMark}${json}}`;
}

/** Throws an Error that says which line is wrong. */
export function decodeRecords(body: string): readonly LogRecord[] {
  if (body === '') return [];
  if (!body.endsWith('\n')) throw new Error('the last line is not complete');
  return body.slice(0, -1).split('\n').map(decodeRecord);
}

function decodeRecord(line: string, index: number): LogRecord {
  const at = line.indexOf(objectMark);
  const head = parse(at === -1 ? line : `${line.slice(0, at)}}`);
  const json = at === -1 ? '' : line.slice(at + objectMark.length, -1);
  if (!isHead(head) || (head.op === 'delete') !== (at === -1)) throw new Error(`line ${index + 1} is not a change`);
  const { op, resource, namespace, name, prev } = head;
  return { op, key: { resource, namespace, name }, prev, json };
}

type Head = ObjectKey & Pick<LogRecord, 'op' | 'prev'>;

function isHead(value: unknown): value is Head {
  const { op, resource, namespace, name, prev } = (value ?? {}) as Record<keyof Head, unknown>;
  const isOp = op === 'create' || op === 'update' || op === 'delete';
  return isOp && [resource, namespace, name].every((part) => typeof part === 'string') && Number.isSafeInteger(prev);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
