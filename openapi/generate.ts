/**
 * Writes the OpenAPI documents of Kylon's kinds beside this file, for readers and client generators; the server makes its own
 * from the same data. With --check it writes nothing, and fails when a file is not up to date.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { messageOf } from '../src/base/lifetime.ts';
import { groupsOf } from '../src/machinery/description/group-versions.ts';
import { openapiV2 } from '../src/machinery/description/openapi-v2.ts';
import { openapiV3 } from '../src/machinery/description/openapi-v3.ts';
import { kylonResources } from '../src/resources/resources.ts';

const versions = groupsOf(kylonResources).flatMap(({ versions }) => versions);
const documents = versions.map((served) => ({ file: `v3/${served.group}_${served.version}.json`, content: openapiV3(served) }));
const files = [{ file: 'v2.json', content: openapiV2(documents.map(({ content }) => content)) }, ...documents].map(({ file, content }) => ({
  file,
  text: `${JSON.stringify(sorted(content), null, 2)}\n`,
}));

if (process.argv.includes('--check')) check();
else write();

function check(): void {
  for (const { file, text } of files) {
    if (read(file) === text) continue;
    console.error(`openapi/${file} is not up to date: run node openapi/generate.ts`);
    process.exitCode = 1;
  }
}

function write(): void {
  for (const { file, text } of files) {
    mkdirSync(dirname(place(file)), { recursive: true });
    writeFileSync(place(file), text);
  }
}

function read(file: string): string {
  try {
    return readFileSync(place(file), 'utf8');
  } catch (error) {
    return messageOf(error);
  }
}

function place(file: string): string {
  return join(import.meta.dirname, file);
}

/** With the fields of objects in order, so that a change shows as itself. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(JSON.parse(JSON.stringify(value)) as object)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, sorted(item)]),
  );
}
