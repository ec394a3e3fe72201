/** The image of the Pods that copy volumes: restic, built by Go, the script of manifests/mover, and a shell; loaded into the node of the cluster. */
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { repository } from './cluster.ts';
import type { Cluster } from './cluster.ts';
import { temporaryFolder } from './folder.ts';
import { buildGo } from './go.ts';
import { addProgram, addTools, busybox, imageLoader } from './image-parts.ts';
import type { Kubectl } from './kubectl.ts';
import { nodeAddress, withSnapshots } from './volumes.ts';

/** Why it cannot be had; undefined where it can. Another cluster has it already, under the name in KYLON_TEST_MOVER_IMAGE. */
export function moverImageFault(): string | undefined {
  if (process.env['KYLON_TEST_MOVER_IMAGE']) return undefined;
  return existsSync(imageLoader) && existsSync(busybox)
    ? undefined
    : 'needs KYLON_TEST_MOVER_IMAGE, the name of an image made by manifests/mover';
}

/** The cluster, where it can take snapshots of volumes and movers can be had to copy them. */
export function withMovers(cluster: Cluster): Cluster {
  const fault = moverImageFault();
  return fault === undefined ? withSnapshots(cluster) : { missing: fault };
}

/** Those of Debian, as in the image that manifests/mover makes: those of busybox know less, and a shell of busybox would run no others. */
const ofDebian = [
  '/bin/sh',
  '/bin/tar',
  '/bin/dd',
  '/usr/bin/find',
  '/usr/bin/sort',
  '/usr/bin/head',
  '/usr/bin/tail',
  '/usr/bin/fallocate',
  '/usr/sbin/blockdev',
];

/** Its name. */
export async function moverImage(): Promise<string> {
  const given = process.env['KYLON_TEST_MOVER_IMAGE'];
  if (given) return given;
  const root = temporaryFolder();
  for (const folder of ['usr/local/bin', 'tmp', 'volume', 'access']) mkdirSync(join(root, folder), { recursive: true });
  addTools(root, ['cat', 'chmod', 'chown', 'cmp', 'cp', 'ls', 'mkdir', 'mv', 'readlink', 'rm', 'rmdir', 'sleep', 'stat', 'wc']);
  for (const program of ofDebian) addProgram(root, program);
  copyFileSync(await buildGo('restic', { package: 'github.com/restic/restic/cmd/restic', static: true }), join(root, 'bin/restic'));
  copyFileSync(join(repository, 'manifests/mover/mover'), join(root, 'usr/local/bin/mover'));
  for (const program of ['bin/busybox', 'bin/restic', 'usr/local/bin/mover']) chmodSync(join(root, program), 0o755);
  const name = 'example.test/kylon-mover:1';
  execFileSync(imageLoader, [name, root, '/usr/local/bin/mover'], { stdio: ['ignore', 'ignore', 'inherit'] });
  return name;
}

/** Of a Kylon beside the cluster whose movers reach it. */
export async function moverFlags(kubectl: Kubectl): Promise<readonly string[]> {
  const [image, port] = [await moverImage(), await freePort()];
  const address = `https://${await nodeAddress(kubectl)}:${port}`;
  return ['--bind-address=0.0.0.0', `--port=${port}`, `--mover-image=${image}`, `--mover-address=${address}`];
}

/** Until it is taken again, which nobody else here does. */
function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
