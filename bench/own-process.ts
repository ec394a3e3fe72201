/** Measurements in processes of their own, as `npm start` has them, so that nothing of what came before is in them. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const flags = ['--max-semi-space-size=16'];
const environment = { NODE_COMPILE_CACHE: 'node_modules/.cache/kylon', ...process.env };

export type Found = Readonly<Record<string, number>>;

/** What a program, given by its URL, prints as JSON, and as `anonymous` the most memory that it had, in MiB. */
export async function inOwnProcess(program: string, args: readonly string[]): Promise<Found> {
  const running = run(process.execPath, [...flags, fileURLToPath(program), ...args], { env: environment });
  const memory = { peak: 0 };
  const looking = setInterval(() => (memory.peak = Math.max(memory.peak, anonymousOf(running.child.pid))), 10);
  const { stdout } = await running.finally(() => clearInterval(looking));
  return { ...(JSON.parse(stdout) as Found), anonymous: memory.peak };
}

/** MiB of a process, without pages of files that it maps; 0 where it has ended. */
export function anonymousOf(pid: number | undefined): number {
  try {
    const [, kibibytes = '0'] = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return Number(kibibytes) / 1024;
  } catch {
    return 0;
  }
}
