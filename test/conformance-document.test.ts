/** docs/conformance.md names a test for each rule that is held: this sees that they are there. */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const repository = resolve(import.meta.dirname, '..');
const rows = readFileSync(join(repository, 'docs/conformance.md'), 'utf8')
  .split('\n')
  .map((line) => /^\| ([0-9A-Z][0-9.]*) \| (.+?) \| (held|refused|later|stands in) \| (.+) \|$/.exec(line))
  .filter((row) => row !== null)
  .map(([, number = '', , verdict = '', proof = '']) => ({ number, verdict, proof }));

/** `FILE › NAME`, several with <br> between them. */
function faultOf(proof: string): string | undefined {
  const [, file = '', name = ''] = /^(test\/\S+\.ts) › (.+)$/.exec(proof) ?? [];
  if (!existsSync(join(repository, file)) || file === '') return `${proof}: there is no such file`;
  const text = readFileSync(join(repository, file), 'utf8').replaceAll(/\\u([0-9a-f]{4})/g, (_, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  );
  return text.replaceAll(String.raw`\'`, "'").includes(name) ? undefined : `${proof}: there is no such test`;
}

describe('the list of what is kept of the contract', () => {
  it('has the rules of every section, each once', () => {
    const numbers = rows.map(({ number }) => number);
    expect(numbers.filter((number, at) => numbers.indexOf(number) !== at)).toEqual([]);
    for (const section of ['1.', '2.', '3.', '4.', '5.', '6.', '7.', 'A', 'C'])
      expect(numbers.filter((number) => number.startsWith(section)).length, section).toBeGreaterThan(0);
    for (let n = 1; n <= 60; n++) expect(numbers).toContain(`A${n}`);
  });

  it('names tests that exist', () => {
    const proofs = rows.filter(({ verdict }) => verdict === 'held').flatMap(({ proof }) => proof.split('<br>').map((one) => one.trim()));
    expect(proofs.map(faultOf).filter((fault) => fault !== undefined)).toEqual([]);
  });
});
