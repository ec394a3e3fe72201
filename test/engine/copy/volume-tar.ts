/** A folder with what is hard to copy, and its tar file as the tar of this machine writes it. */
import { execFileSync } from 'node:child_process';
import { chmodSync, linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

export function temporary(): string {
  const root = mkdtempSync(join(tmpdir(), 'kylon-copy-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  return root;
}

export function oddVolume(): string {
  const root = temporary();
  mkdirSync(join(root, 'conf/deep'), { recursive: true });
  mkdirSync(join(root, 'other'));
  mkdirSync(join(root, longName));
  writeFileSync(join(root, 'conf/app.yaml'), 'replicas: 3\n');
  chmodSync(join(root, 'conf/app.yaml'), 0o640);
  writeFileSync(join(root, 'conf/deep/below'), 'b'.repeat(5000));
  writeFileSync(join(root, 'conf.d'), 'beside a folder whose name it begins with');
  linkSync(join(root, 'conf/app.yaml'), join(root, 'other/same'));
  symlinkSync('app.yaml', join(root, 'conf/current'));
  symlinkSync('/etc/passwd', join(root, 'out'));
  writeFileSync(join(root, '-rf'), 'dash');
  writeFileSync(join(root, 'line\nbreak and space '), 'two lines');
  writeFileSync(Buffer.concat([Buffer.from(`${root}/caf`), Buffer.from([0xe9])]), 'latin');
  writeFileSync(join(root, longName, longName), 'long');
  writeFileSync(join(root, 'empty'), '');
  utimesSync(join(root, 'empty'), 1e9, 1e9);
  writeFileSync(join(root, 'sparse'), 'x');
  truncateSync(join(root, 'sparse'), 3_000_000);
  return root;
}

export const longName = 'n'.repeat(200);

export const tarOf = (root: string) => execFileSync('tar', ['-C', root, '-cf', '-', '.'], { maxBuffer: 64 << 20 });

/** What a folder holds, in words that show every difference. busybox leaves folders and links the time of now: `times` are those of them. */
export function told(root: string, times = true): string {
  const print = times ? '%s %n %T@' : '%s %n';
  const script = `find . -mindepth 1 -type d -printf '%P %y %m${times ? ' %T@' : ''}\\n' -o -type l -printf '%P %y ${print} %l\\n' -o -mindepth 1 -printf '%P %y %m %s %n %T@\\n'
    find . -type f -print0 | xargs -0 sha256sum`;
  const lines = execFileSync('sh', ['-c', script], { cwd: root, encoding: 'latin1' }).split('\n');
  return lines
    .map((line) => line.replace(/(\d{10})\.\d+/, '$1'))
    .toSorted()
    .join('\n');
}

export function untar(bytes: Uint8Array, program: readonly string[] = ['tar']): string {
  const root = temporary();
  const [name = '', ...args] = program;
  execFileSync(name, [...args, '-C', root, '-xpf', '-'], { input: bytes });
  return root;
}
