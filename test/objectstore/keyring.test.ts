import { chmod, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { randomIds } from '../../src/base/ids.ts';
import { newKeyLine, parseKeyring, readKeyring } from '../../src/objectstore/encryption/keyring.ts';
import { StoreError } from '../../src/objectstore/objectstore.ts';
import { temporaryFolder } from './stores.ts';

const secret = Buffer.alloc(32, 7).toString('base64');

describe('keyring', () => {
  it('writes with the first key and reads with all', () => {
    const lines = ['# made on a Monday', '', `new:${secret}`, ` old-1:${Buffer.alloc(32, 9).toString('base64')}\r`, ''];
    const { current, all } = parseKeyring(lines.join('\n'), 'keys');
    expect(current.name).toBe('new');
    expect(current.secret.export()).toEqual(Buffer.alloc(32, 7));
    expect([...all.keys()]).toEqual(['new', 'old-1']);
    expect(all.get('old-1')?.secret.export()).toEqual(Buffer.alloc(32, 9));
  });

  it('takes the keys that it makes', () => {
    const line = newKeyLine('a', randomIds);
    expect(line).toMatch(/^a:[A-Za-z0-9+/]{43}=$/);
    expect(newKeyLine('a', randomIds)).not.toBe(line);
    expect(parseKeyring(line, 'keys').current.secret.export()).toHaveLength(32);
  });

  it.each(['', 'A', 'a b', 'a:b', 'x'.repeat(33)])('makes no key of the name %j', (name) => {
    expect(() => newKeyLine(name, randomIds)).toThrow('cannot name a key');
  });

  it.each([
    ['no colon', secret, 'keys: line 2 has no colon'],
    ['no name', `:${secret}`, 'keys: line 2: before the colon'],
    ['a name with a capital', `A:${secret}`, 'keys: line 2: before the colon'],
    ['a long name', `${'x'.repeat(33)}:${secret}`, 'keys: line 2: before the colon'],
    ['no base64', `a:${secret.replace('=', '!')}`, 'keys: line 2: behind the colon'],
    ['a space in the base64', `a: ${secret}`, 'keys: line 2: behind the colon'],
    ['no padding', `a:${secret.replace('=', '')}`, 'keys: line 2: behind the colon'],
    ['31 bytes', `a:${Buffer.alloc(31, 7).toString('base64')}`, 'keys: line 2: the key has 31 bytes instead of 32'],
    ['nothing behind the colon', 'a:', 'keys: line 2: the key has 0 bytes'],
    ['a name twice', `one:${Buffer.alloc(32, 9).toString('base64')}`, 'keys: line 2 names a key "one"'],
  ])('refuses a line with %s, and does not repeat it', (_, line, fault) => {
    const parse = () => parseKeyring(`one:${secret}\n${line}\n`, 'keys');
    expect(parse).toThrow(StoreError);
    expect(parse).toThrow(fault);
    expect(parse).not.toThrow(secret.slice(0, 20));
  });

  it.each(['', '\n\n', '# a comment\n'])('refuses a file without keys: %j', (text) => {
    expect(() => parseKeyring(text, 'keys')).toThrow('keys: there is no key in it; "kylon keys generate" prints one');
  });

  it('reads a file, which others may read: a mounted Secret is so', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'keys');
    await writeFile(path, `a:${secret}\n`);
    await chmod(path, 0o644);
    expect((await readKeyring(path)).current.name).toBe('a');
    await expect(readKeyring(join(folder, 'none'))).rejects.toThrow(/none: cannot read the encryption keys: it does not exist$/);
    await expect(readKeyring(folder)).rejects.toBeInstanceOf(StoreError);
    await rm(folder, { recursive: true });
  });

  it('refuses a folder, and a key in place of its file without repeating it', async () => {
    await expect(readKeyring(import.meta.dirname)).rejects.toThrow('cannot read the encryption keys: it is a folder, not a file');
    const line = newKeyLine('a', randomIds);
    const fault = await readKeyring(line).catch(String);
    expect(fault).toContain('it seems to be a key itself');
    expect(fault).not.toContain(line.slice(2));
  });

  it('shows no secret when it is printed', () => {
    const keyring = parseKeyring(`a:${secret}`, 'keys');
    for (const text of [inspect(keyring, { depth: 9, showHidden: true }), JSON.stringify([keyring, [...keyring.all.values()]])])
      expect(text).not.toMatch(/BwcHBw|0707|7, 7/);
  });
});
