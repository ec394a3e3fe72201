/**
 * JSON patch (https://www.rfc-editor.org/rfc/rfc6902) by fast-json-patch, behind checks that it leaves out: it takes operations of its own,
 * follows inherited names, and clones the whole document for every move and copy that it validates itself.
 */
import { isDeepStrictEqual } from 'node:util';
import fastJsonPatch from 'fast-json-patch';
import type { Operation } from 'fast-json-patch';
import { textExactly } from '../../base/exact-json.ts';
import { messageOf } from '../../base/lifetime.ts';
import { ApiError, badRequest } from '../errors.ts';

const maxOperations = 10_000;
/** Of all that copy operations copy, as characters of JSON: it keeps a small patch from growing a document without end. */
const maxCopied = 3 * 1024 * 1024;

/** The document with all operations done, or none: throws ApiError 400, 413, and 422 for what cannot be done to this document. */
export function jsonPatch(document: unknown, patch: unknown): unknown {
  let state: unknown = structuredClone(document);
  let copied = 0;
  for (const [index, operation] of operationsOf(patch).entries()) {
    try {
      checkPlaces(state, operation);
      if (operation.op === 'copy') copied += textExactly(valueAt(state, pointer(operation.from))).length;
      if (copied > maxCopied)
        throw new ApiError(413, 'RequestEntityTooLarge', `Request entity too large: a JSON patch may copy ${maxCopied} bytes`);
      state = apply(state, operation, index);
    } catch (error) {
      if (error instanceof ApiError) throw error;
      const why = `operation ${index}: ${operation.op} ${operation.path}: ${firstLine(messageOf(error))}`;
      throw rejected(new Error(why, { cause: error }));
    }
  }
  return state;
}

function apply(state: unknown, operation: Operation, index: number): unknown {
  if (operation.op === 'test') return tested(state, operation);
  const done: Operation =
    operation.op === 'copy' ? { op: 'add', path: operation.path, value: valueAt(state, pointer(operation.from)) } : operation;
  const validate = done.op !== 'move' && done.op !== 'replace';
  return fastJsonPatch.applyOperation(state, structuredClone(done), validate, true, true, index).newDocument;
}

/** By the package, a failure would be told with the whole document, which it cannot do where a number is a BigInt. */
function tested(state: unknown, operation: Operation & { readonly op: 'test' }): unknown {
  const path = pointer(operation.path);
  const isAbsent = isTestOfNone(operation) && isField(state, path) && fastJsonPatch.getValueByPointer(state, operation.path) === undefined;
  if (!isAbsent && !isDeepStrictEqual(valueAt(state, path), operation.value)) throw new Error('Test operation failed');
  return state;
}

const kinds = new Set(['add', 'remove', 'replace', 'move', 'copy', 'test']);

function operationsOf(patch: unknown): readonly Operation[] {
  if (!Array.isArray(patch)) throw badRequest('error decoding patch: a JSON patch is an array of operations');
  if (patch.length > maxOperations) {
    const why = `The allowed maximum operations in a JSON patch is ${maxOperations}, got ${patch.length}`;
    throw new ApiError(413, 'RequestEntityTooLarge', `Request entity too large: ${why}`);
  }
  patch.forEach(checkForm);
  return patch as Operation[];
}

function checkForm(operation: unknown, index: number): void {
  const { op, path, from, value } = (operation ?? {}) as Record<string, unknown>;
  if (typeof op !== 'string' || !kinds.has(op)) throw badRequest(`error decoding patch: operation ${index} has no op of RFC 6902`);
  const pointers = op === 'move' || op === 'copy' ? [path, from] : [path];
  if (!pointers.every((text) => typeof text === 'string' && /^(\/|$)/.test(text)))
    throw badRequest(`error decoding patch: operation ${index} (${op}) needs paths that begin with /`);
  if ((op === 'add' || op === 'replace' || op === 'test') && value === undefined)
    throw badRequest(`error decoding patch: operation ${index} (${op}) has no value`);
}

/** What an operation takes must be there, and what it puts must have somewhere to go. */
function checkPlaces(state: unknown, operation: Operation): void {
  const path = pointer(operation.path);
  if (operation.op === 'remove' && path.length === 0) throw new Error('the whole document cannot be removed');
  if (operation.op === 'move' || operation.op === 'copy') valueAt(state, pointer(operation.from));
  else if (operation.op !== 'add' && !(mayBeAbsent(operation) && isField(state, path))) valueAt(state, path);
  if (operation.op === 'move' && operation.path.startsWith(`${operation.from}/`)) throw new Error('a value cannot be moved into itself');
  if (operation.op !== 'remove') checkParent(state, path);
}

/** Kubernetes replaces a field also where there is none yet, and takes null for none in a test; not so with items of lists. */
const mayBeAbsent = (operation: Operation) => operation.op === 'replace' || isTestOfNone(operation);

const isTestOfNone = (operation: Operation) => operation.op === 'test' && operation.value === null;

function isField(state: unknown, path: readonly string[]): boolean {
  return path.length > 0 && !Array.isArray(valueAt(state, path.slice(0, -1)));
}

function pointer(text: string): readonly string[] {
  return text
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function checkParent(state: unknown, path: readonly string[]): void {
  if (path.length === 0) return;
  const parent = valueAt(state, path.slice(0, -1));
  const key = path.at(-1) ?? '';
  if (typeof parent !== 'object' || parent === null) throw new Error('there is no object or list to put it in');
  if (Array.isArray(parent) && key !== '-' && !(isIndex(key) && Number(key) <= parent.length))
    throw new Error(`${key} is no index of a list of ${parent.length}`);
}

/** Only what the document itself holds: never what an object inherits. */
function valueAt(state: unknown, path: readonly string[]): unknown {
  let at = state;
  for (const key of path) {
    const there = typeof at === 'object' && at !== null && Object.hasOwn(at, key) && (!Array.isArray(at) || isIndex(key));
    if (!there) throw new Error('doc is missing path');
    at = (at as Record<string, unknown>)[key];
  }
  return at;
}

const isIndex = (key: string) => /^(0|[1-9]\d*)$/.test(key);

const firstLine = (text: string) => text.split('\n')[0] ?? '';

/** The cause says what is wrong with the patch, whoever wants it. */
const rejected = (cause: Error) =>
  new ApiError(422, 'Invalid', `the server rejected our request due to an error in our request: ${cause.message}`, {}, { cause });
