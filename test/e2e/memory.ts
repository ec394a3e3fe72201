/** What a process holds in memory for itself, as the kernel counts it: RssAnon of /proc/PID/status, without files that are mapped. */
import { readFileSync } from 'node:fs';
import type { Running } from './process.ts';

export const MiB = 2 ** 20;

/** In bytes. */
export function memoryOf({ child }: Running): number {
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
  return Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}
