/** `kubectl kylon`: the same program, as kubectl finds it on the PATH. */
import { run } from './program.ts';
import { systemShell } from './system-shell.ts';

process.exitCode = await run(systemShell('kubectl kylon'), process.argv.slice(2));
