/** `npm run fuzz`: sends seeded cases to a playground of its own. Exits with 1 when one is answered wrongly. */
import { parseArgs } from 'node:util';
import { memoryOf, MiB } from '../e2e/memory.ts';
import { Playground } from './playground.ts';
import { fuzz } from './run.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    cases: { type: 'string', default: '10000' },
    /** This case alone. */
    only: { type: 'string' },
  },
});
const print = (line: string) => process.stdout.write(`${line}\n`);

const seed = Number(values.seed);
const range = values.only === undefined ? { first: 0, count: Number(values.cases) } : { first: Number(values.only), count: 1 };
const began = performance.now();
print(`seed ${seed}, ${range.count} cases from number ${range.first}`);
const playground = await Playground.start();
const { statuses, findings } = await fuzz({ seed, ...range }, playground);
print(`${((performance.now() - began) / 1000).toFixed(1)} s, the server holds ${Math.round(memoryOf(playground.process) / MiB)} MiB`);
for (const [status, times] of [...statuses].toSorted(([one], [other]) => one.localeCompare(other))) print(`${status.padStart(8)} ${times}`);
for (const { number, fault, sent, answer } of findings)
  print(`\ncase ${number}: ${fault}\nnpm run fuzz -- --seed ${seed} --only ${number}\n> ${sent}\n< ${answer}`);
const code = await playground.stop();
if (code !== 0) print(playground.process.output());
process.exitCode = findings.length > 0 || code !== 0 ? 1 : 0;
