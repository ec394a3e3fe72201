/**
 * What client-node knows of kubeconfig files, service accounts and programs that give credentials, without its client: that is some hundred generated classes,
 * which take 50 MiB of memory and half a second, and nobody here uses one. docs/decisions/011-client-node-without-its-client.md
 */
import { registerHooks } from 'node:module';
import type { KubeConfig } from '@kubernetes/client-node';

/** Modules that are loaded so are others than those that whoever imports client-node as a whole gets. */
const mark = '?without-client';
const entry = '@kubernetes/client-node/dist/config.js';
const generated = './gen/';
/** In the place of the generated modules, of which these names are imported. */
const nothing = 'data:text/javascript,export const createConfiguration = undefined, ServerConfiguration = undefined, of = undefined;';

let loading: Promise<new () => KubeConfig> | undefined;

export function loadKubeConfig(): Promise<new () => KubeConfig> {
  return (loading ??= load());
}

async function load(): Promise<new () => KubeConfig> {
  const hooks = registerHooks({
    resolve(specifier, context, next) {
      const isPart = context.parentURL?.endsWith(mark) === true && specifier.startsWith('.');
      if (isPart && specifier.startsWith(generated)) return { url: nothing, format: 'module', shortCircuit: true };
      const found = next(specifier, context);
      return isPart || specifier.endsWith(entry) ? { ...found, url: `${found.url}${mark}` } : found;
    },
  });
  try {
    return (await import('@kubernetes/client-node/dist/config.js')).KubeConfig;
  } finally {
    hooks.deregister();
  }
}
