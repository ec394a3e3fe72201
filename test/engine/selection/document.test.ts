/** docs/backup.md says what a backup leaves out by rule: here its tables are held to the rules. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { excludeLabel, groupRules, objectRules, resourceRules } from '../../../src/engine/selection/exclusions.ts';

const document = readFileSync(join(resolve(import.meta.dirname, '../../..'), 'docs/backup.md'), 'utf8');
const rows = document.split('\n').filter((line) => line.startsWith('| `'));

it('docs/backup.md has all that is left out, and nothing else', () => {
  const rules = [...Object.entries(groupRules), ...Object.entries(resourceRules)];
  const whole = rules.map(([name, why]) => `| \`${name}\` | ${why} |`);
  const single = objectRules.map(({ resource, which, reason }) => `| \`${resource}\` | ${which} | ${reason} |`);
  expect(rows).toEqual([...whole, ...single]);
  expect(document).toContain(`\`${excludeLabel}=true\``);
});
