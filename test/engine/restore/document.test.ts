/** docs/restore.md says what a restore changes, leaves out, and in which order it works: here its tables are held to the rules. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cleaningRules } from '../../../src/engine/restore/cleaning-rules.ts';
import { mappingRules } from '../../../src/engine/restore/mapping-rules.ts';
import { omissions } from '../../../src/engine/restore/not-restored.ts';
import { first, last } from '../../../src/engine/restore/order.ts';
import { madeAgain } from '../../../src/engine/restore/owners.ts';
import { everyKind, podSpec, podSpecs } from '../../../src/engine/restore/rule.ts';
import type { Rule } from '../../../src/engine/restore/rule.ts';

const document = readFileSync(join(resolve(import.meta.dirname, '../../..'), 'docs/restore.md'), 'utf8');

/** The lines between the headings of a table and the next line that is none of it. */
function rowsBelow(heading: string): string[] {
  const lines = document.split('\n');
  const start = lines.findIndex((line) => line === heading);
  if (start < 0) throw new Error(`docs/restore.md has no line ${heading}`);
  const end = lines.findIndex((line, at) => at > start && !line.startsWith('|'));
  return lines.slice(start + 2, end);
}

const code = (text: string) => `\`${text}\``;
const holdsPods = Object.keys(podSpecs);

function resourcesOf({ resources }: Rule): string {
  if (resources.includes(everyKind)) return 'every kind';
  return resources.length === holdsPods.length ? 'Pods and what makes them' : resources.map(code).join('<br>');
}

const rowOf = (rule: Rule) =>
  `| ${resourcesOf(rule)} | ${rule.places.map((place) => code(place.replace(podSpec, '…'))).join('<br>')} | ${rule.what} | ${rule.why} |`;

const orderOf = (resources: readonly string[]) => resources.map(code).join(', ');

describe('docs/restore.md', () => {
  it('has every change that a restore makes in an object', () => {
    const ofOwners =
      '| every kind | `/metadata/ownerReferences` | put to the owners of now; those to owners that are not there are left out | see [Owners](#owners) |';
    expect(rowsBelow('| Of | Where | What happens | Why |')).toEqual(
      [...cleaningRules, ...mappingRules].map(rowOf).toSpliced(4, 0, ofOwners),
    );
  });

  it('has everything that is left out', () => {
    const rows = omissions.map(({ resource, which, why }) => `| ${code(resource)} | ${which} | ${why} |`);
    const ofControllers = `| ${[...madeAgain].map(code).join('<br>')} | whose controller (\`controller: true\`) is restored too | the controller makes it again |`;
    const ofClaims =
      '| `persistentvolumes` | whose claim is not restored, where only some namespaces are | it belongs to another namespace |';
    const ofSnapshots =
      '| `persistentvolumes` | whose claim has a snapshot of its volume in the backup | the claim gets a new volume of it |';
    expect(rowsBelow('| Of | Which | Why |')).toEqual([...rows, ofControllers, ofClaims, ofSnapshots]);
  });

  it('has the order', () => {
    expect(document).toContain(`\n1. ${orderOf(first)}\n`);
    expect(document).toContain(`\n3. ${orderOf(last)}\n`);
  });
});
