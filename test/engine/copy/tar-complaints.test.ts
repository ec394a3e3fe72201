/** What of the words of tar is a fault. They are those of GNU tar 1.34 and of busybox 1.35. */
import { describe, expect, it } from 'vitest';
import { TarComplaints } from '../../../src/engine/copy/tar-complaints.ts';

function heard(text: string, pieceBytes = text.length): TarComplaints {
  const complaints = new TarComplaints();
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += pieceBytes) complaints.add(bytes.subarray(at, at + pieceBytes));
  complaints.end();
  return complaints;
}

describe('what tar says', () => {
  it.each([
    ['tar: ./db.log: file changed as we read it'],
    ['tar: ./tmp/x: File removed before we read it'],
    ['tar: ./tmp/x: Cannot stat: No such file or directory'],
    ["tar: can't open './tmp/x': No such file or directory"],
    ['tar: ./db.log: File shrank by 512 bytes; padding with zeros'],
    ['tar: ./run/socket: socket ignored'],
    ['tar: ./run/socket: unknown file type'],
  ])('of a volume in use is a warning: %s', (line) => {
    const { fault, warnings } = heard(`${line}\ntar: Exiting with failure status due to previous errors\n`);
    expect(fault).toBeUndefined();
    expect(warnings).toEqual([line]);
  });

  it.each([
    ['tar: ./secret: Cannot open: Permission denied'],
    ["tar: can't open './secret': Permission denied"],
    ['tar: ./x: Read error at byte 0, while reading 512 bytes: Input/output error'],
  ])('of what was not read is a fault, whatever else it says: %s', (line) => {
    const complaints = heard(`tar: ./a: file changed as we read it\n${line}\ntar: error exit delayed from previous errors\n`, 7);
    expect(complaints.fault).toBe(line);
    expect(complaints.lastWords).toBe(line);
  });

  it('of lost+found is of no interest', () => {
    const { fault, warnings } = heard('tar: ./lost+found: Cannot open: Permission denied\n');
    expect([fault, warnings]).toEqual([undefined, []]);
  });

  it('is kept as far as it can be read, however long it is', () => {
    const { warnings } = heard('tar: ./a: file changed as we read it\n'.repeat(5_000));
    expect(warnings).toHaveLength(21);
    expect(warnings.at(-1)).toBe('and 4980 more of these');
    expect(heard('x'.repeat(1_000_000)).fault).toHaveLength(1_000);
  });
});
