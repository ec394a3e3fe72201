/** `npm run simulate`: runs histories of the catalog; docs/simulation.md says what they are. Exits with 1 when one fails. */
import { parseArgs } from 'node:util';
import { plant } from './mutate.ts';
import { mutationNamed } from './mutations.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    histories: { type: 'string', default: '1000' },
    /** Only these steps of one history, by their places. */
    steps: { type: 'string' },
    mutation: { type: 'string' },
    verbose: { type: 'boolean', default: false },
  },
});

if (values.mutation !== undefined) plant(mutationNamed(values.mutation));
// Not earlier: a mutation is planted while the code is loaded.
const { report } = await import('./report.ts');
process.exitCode = await report({
  seed: Number(values.seed),
  histories: values.steps === undefined ? Number(values.histories) : 1,
  steps: values.steps?.split(',').map(Number),
  mutation: values.mutation,
  isVerbose: values.verbose,
  print: (line) => process.stdout.write(`${line}\n`),
});
