/** From the bytes of a request to a value: media type, size, syntax. What the value must hold is checked by decode.ts. */
import { parseExactly } from '../../base/exact-json.ts';
import { messageOf } from '../../base/lifetime.ts';
import { badRequest, tooLarge, unsupportedMediaType } from '../errors.ts';
import { scanJson } from './json-text.ts';
import { jsonOfYaml } from './yaml-text.ts';

/** In bytes. */
const maxBody = 3 * 1024 * 1024;
const maxDepth = 1000;

export interface Parsed {
  readonly value: unknown;
  /** Paths of fields that were given twice; the last one counts. */
  readonly duplicates: readonly string[];
}

/** `Application/JSON; charset=utf-8` as `application/json`; empty where there was no header. */
export function mediaType(contentType: string): string {
  return (contentType.split(';')[0] ?? '').trim().toLowerCase();
}

/** A body in JSON or YAML; JSON where nothing says what it is. Throws ApiError 400, 413, 415. `expected` names what it should be. */
export function parseBody(body: Uint8Array, contentType: string, expected: string): Parsed {
  const type = mediaType(contentType);
  const prefix = `the object provided is unrecognized (must be of type ${expected}): couldn't get version/kind; `;
  if (type === '' || type === 'application/json') return parseJson(textOf(body), prefix);
  if (type === 'application/yaml') return parseYaml(textOf(body), prefix);
  throw unsupportedMediaType(['application/json', 'application/yaml']);
}

export function textOf(body: Uint8Array): string {
  if (body.byteLength > maxBody) throw tooLarge(maxBody);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch (error) {
    throw badRequest('the body of the request is not UTF-8', error);
  }
}

/** `prefix` begins the message of the ApiError 400. */
export function parseJson(text: string, prefix: string): Parsed {
  let value: unknown;
  try {
    value = parseExactly(text);
  } catch (error) {
    throw badRequest(`${prefix}json parse error: ${located(messageOf(error), text)}`, error);
  }
  const { duplicates, depth } = scanJson(text);
  if (depth > maxDepth) throw badRequest(`${prefix}json parse error: exceeded max depth of ${maxDepth}`);
  return { value, duplicates };
}

function parseYaml(text: string, prefix: string): Parsed {
  try {
    const { json, duplicates } = jsonOfYaml(text);
    return { value: parseExactly(json), duplicates };
  } catch (error) {
    throw badRequest(`${prefix}yaml parse error: ${messageOf(error)}`, error);
  }
}

/** The parser names the place of most faults itself, though not of an unexpected token. */
function located(message: string, text: string): string {
  if (message.includes('position')) return message;
  return `${message} (at position ${scanJson(text).unreadableAt ?? text.length})`;
}
