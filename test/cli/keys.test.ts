import { expect, it } from 'vitest';
import { randomIds } from '../../src/base/ids.ts';
import { createMetrics } from '../../src/base/metrics.ts';
import { keysCommand } from '../../src/cli/keys.ts';
import { parseKeyring } from '../../src/objectstore/encryption/keyring.ts';
import { ManualClock } from '../manual-clock.ts';

/** What `kylon keys` says. */
async function keys(...args: string[]): Promise<string> {
  const said: string[] = [];
  const say = (text: string) => said.push(text);
  await keysCommand({ clock: new ManualClock(), ids: randomIds, metrics: createMetrics(), env: {}, say }).parseAsync(args, {
    from: 'user',
  });
  return said.join('\n');
}

it('prints a key as a line of a key file, by the name that it is given or that of the day', async () => {
  const lines = [await keys('generate'), await keys('generate', 'blue')];
  expect([...parseKeyring(lines.join('\n'), 'keys').all.keys()]).toEqual([expect.stringMatching(/^key-\d{4}-\d\d-\d\d$/), 'blue']);
});

it('refuses a name that no key may have', async () => {
  await expect(keys('generate', 'Blue')).rejects.toThrow('"Blue" cannot name a key');
});
