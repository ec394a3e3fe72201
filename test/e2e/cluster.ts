/**
 * The disposable cluster that the suites run on: of those of KYLON_TEST_KUBECONFIGS the one of this worker, as only one file at a time
 * may use a cluster; else that of KUBECONFIG, else the one that ../shared/cluster/up makes, else none.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, resolve } from 'node:path';

export const repository = resolve(import.meta.dirname, '../..');

export type Cluster = { readonly kubeconfig: string } | { readonly missing: string };

/** Decided once a file, while vitest collects its tests. Where there is no cluster, CI fails, and others skip with the reason. */
export function findCluster(): Cluster {
  const { KYLON_TEST_KUBECONFIGS, VITEST_POOL_ID, KUBECONFIG, CI } = process.env;
  const own = KYLON_TEST_KUBECONFIGS?.split(delimiter)[Number(VITEST_POOL_ID) - 1];
  if (own) return { kubeconfig: own };
  if (KUBECONFIG) return { kubeconfig: KUBECONFIG };
  const up = resolve(repository, '../shared/cluster/up');
  if (existsSync(up)) return { kubeconfig: execFileSync(up, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim() };
  const missing = 'needs KUBECONFIG of a disposable cluster';
  if (CI === 'true') throw new Error(`the e2e suites ${missing}`);
  return { missing };
}

/** What `describe` takes to skip a suite, and its title to say why. */
export function suite(title: string, cluster: Cluster): { title: string; options: { skip: boolean } } {
  return 'missing' in cluster
    ? { title: `${title} (skipped: ${cluster.missing})`, options: { skip: true } }
    : { title, options: { skip: false } };
}

/** The path of the kubeconfig, for what runs only where there is one. */
export const kubeconfigOf = (cluster: Cluster) => ('missing' in cluster ? '' : cluster.kubeconfig);
