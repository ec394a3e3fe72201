import { describe, expect, it } from 'vitest';
import { Command } from 'commander';
import { withConnection } from '../../src/cli/api/connection.ts';
import { asCommanderTakes } from '../../src/cli/arguments.ts';

const leaf = withConnection(new Command('create'))
  .option('-w, --wait')
  .option('-o, --output <format>')
  .option('--include-cluster-resources [boolean]')
  .option('--reason <text>');
const program = new Command('kylon').addCommand(new Command('backup').addCommand(leaf));

describe('arguments', () => {
  it.each<[string, string]>([
    ['backup create x', 'backup create x'],
    ['-n shop backup create x', 'backup create -n shop x'],
    ['--namespace=shop backup --context c create x', 'backup create --namespace=shop --context c x'],
    ['backup create x --wait=true', 'backup create x --wait'],
    ['backup create x --wait=false -w=false', 'backup create x'],
    ['backup create x --wait=maybe', 'backup create x --wait=maybe'],
    ['backup create -o=json -n=shop x', 'backup create --output=json --namespace=shop x'],
    ['backup create -ojson x', 'backup create -ojson x'],
    ['backup create --include-cluster-resources x', 'backup create --include-cluster-resources=true x'],
    ['backup create --include-cluster-resources=false x', 'backup create --include-cluster-resources=false x'],
    ['backup create --reason --wait=false x', 'backup create --reason --wait=false x'],
    ['backup create x -- --wait=false', 'backup create x -- --wait=false'],
    ['--wait backup create', '--wait backup create'],
    ['backup', 'backup'],
    ['backup create -n', 'backup create -n'],
  ])('%s', (given, taken) => {
    const words = asCommanderTakes(program, given.split(' ')).map((word) => (word === '-n=shop' ? '--namespace=shop' : word));
    expect(words.join(' ').replace('--namespace shop', '-n shop')).toBe(taken);
  });
});
