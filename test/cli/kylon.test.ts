import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';

/** The program as a process: its exit code is a part of what it says. */
function kylon(...args: string[]) {
  return spawnSync(process.execPath, [join(import.meta.dirname, '../../src/cli/kylon.ts'), ...args], { encoding: 'utf8' });
}

it('ends with 2 when it is not understood, and with 1 when it is, but cannot be done', () => {
  expect(kylon('store', 'check')).toMatchObject({ status: 2, stdout: '', stderr: "kylon: missing required argument 'url'\n" });
  expect(kylon('keys', 'generate', 'Blue')).toMatchObject({ status: 1, stderr: expect.stringMatching(/^kylon: "Blue" cannot name a key/) });
  expect(kylon('--help')).toMatchObject({ status: 0, stderr: '', stdout: expect.stringMatching(/^Usage: kylon/) });
});
