/** `-o`: in which form a command prints what it got. */
import { Option } from 'commander';
import { UsageError } from '../exits.ts';
import type { Template } from './jsonpath.ts';
import { parseTemplate } from './jsonpath-parser.ts';
import { evaluate } from './jsonpath.ts';
import { jsonText, yamlText } from './structured.ts';

/** `table` where nothing is asked for. */
export type Format = 'table' | 'wide' | 'name' | Structured;
type Structured = 'json' | 'yaml' | { readonly jsonpath: Template };

/** What stands in the place of an object in each form. */
const texts = ['json', 'yaml', 'name', 'wide'] as const;

export const outputOption = () =>
  new Option('-o, --output <format>', `${texts.join('|')}|jsonpath=<template>: print it in this form`).argParser(parseFormat);

/** For what is one document and has no table. */
export const documentOption = () => new Option('-o, --output <format>', 'json|yaml|jsonpath=<template>').argParser(parseStructured);

/** Throws UsageError. */
function parseFormat(text: string): Format {
  const [, template] = /^jsonpath=(.*)$/s.exec(text) ?? [];
  if (template !== undefined) return { jsonpath: parseTemplate(template) };
  const known = texts.find((one) => one === text);
  if (known) return known;
  throw new UsageError(
    `unable to match a printer suitable for the output format "${text}", allowed formats are: json,jsonpath,name,wide,yaml`,
  );
}

function parseStructured(text: string): Structured {
  const format = parseFormat(text);
  if (isStructured(format)) return format;
  throw new UsageError(`unable to match a printer suitable for the output format "${text}", allowed formats are: json,jsonpath,yaml`);
}

export function isStructured(format: Format): format is Structured {
  return format === 'json' || format === 'yaml' || typeof format === 'object';
}

export function structuredText(format: Structured, value: unknown): string {
  if (format === 'json') return jsonText(value);
  return format === 'yaml' ? yamlText(value) : evaluate(format.jsonpath, value);
}
