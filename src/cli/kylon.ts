/** `kylon`: the commands for people. */
import { run } from './program.ts';
import { systemShell } from './system-shell.ts';

process.exitCode = await run(systemShell('kylon'), process.argv.slice(2));
