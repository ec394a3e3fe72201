/** `--dry-run`, as kubectl has it. */
import { Option } from 'commander';

export type DryRun = 'none' | 'server' | 'client';

export const dryRunOption = () =>
  new Option('--dry-run <strategy>', 'none|server|client: client sends nothing, server checks all and keeps nothing')
    .choices(['none', 'server', 'client'])
    .default('none');

export const dryRunQuery = (dryRun: DryRun) => ({ dryRun: dryRun === 'server' ? 'All' : undefined });

export function dryRunText(dryRun: DryRun): string {
  if (dryRun === 'none') return '';
  return dryRun === 'server' ? ' (server dry run)' : ' (dry run)';
}
