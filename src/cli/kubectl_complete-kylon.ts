/** What kubectl runs to complete a command line that begins with `kubectl kylon`. */
import { run } from './program.ts';
import { systemShell } from './system-shell.ts';

process.exitCode = await run(systemShell('kubectl kylon'), ['__complete', ...process.argv.slice(2)]);
