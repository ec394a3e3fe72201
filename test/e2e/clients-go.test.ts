/** What client-go and controller-runtime do beside a real cluster: test/clients/go and test/clients/go-manager. */
import { afterAll, beforeAll, describe } from 'vitest';
import { kubeconfigOf, suite } from './cluster.ts';
import { buildGo, coldBuild, findClusterForGo, itChecks } from './go.ts';
import { Kylon } from './kylon.ts';
import { run } from './process.ts';

const cluster = findClusterForGo();
const kubeconfig = kubeconfigOf(cluster);
const { title, options } = suite('clients in Go', cluster);

const informers = [
  ...['dynamic', 'metadata', 'typed'].flatMap((kind) => [0, 12].map((count) => `A37 a ${kind} informer of ${count} objects`)),
  'A37 informers that start while objects change',
  'A38 a reflector whose connection is cut 20 times',
];
const others = [
  'A39 lists at a resourceVersion',
  'A39 a list in the future',
  'A39 a list in pieces',
  'A39 tokens that are none',
  'A40 20 writers with RetryOnConflict',
  'the metadata client: list, watch, patch, delete with preconditions',
];

/** How a user turns WatchList on or off, and has client-go end the program where it gives anything else than a list. */
const environment = (watchList: boolean) => ({
  KUBE_FEATURE_WatchListClient: String(watchList),
  KUBE_WATCHLIST_INCONSISTENCY_DETECTOR: 'true',
  // The name of the first switch in client-go 0.30, which takes any value for yes.
  ENABLE_CLIENT_GO_WATCH_LIST_ALPHA: watchList ? 'true' : '',
});

describe(title, options, () => {
  let kylon: Kylon;
  beforeAll(async () => {
    kylon = await Kylon.beside(kubeconfig);
  });
  afterAll(() => kylon?.stop());

  describe.each([
    { version: '0.30', modfile: 'client-go-0.30.mod' },
    { version: '0.35', modfile: 'client-go-0.35.mod' },
    { version: '0.37', modfile: 'go.mod' },
  ])('client-go $version', ({ modfile }) => {
    let program: string;
    beforeAll(async () => {
      program = await buildGo('go', { modfile });
    }, coldBuild);

    describe.each([true, false])('with WatchListClient=%s', (watchList) => {
      itChecks(watchList ? informers : [...informers, ...others], () =>
        run(program, [kubeconfig, String(watchList)], { env: environment(watchList), timeout: coldBuild }),
      );
    });
  });

  describe('a manager of controller-runtime', () => {
    itChecks(
      [
        'A41 it reconciles: an owned ConfigMap, and a patch of the status',
        'A41 it rests when there is nothing to do',
        'A41 what it owns comes back',
        'A41 a change of the spec reaches it',
        'A41 what it owns goes with the Backup',
      ],
      async () => run(await buildGo('go-manager'), [kubeconfig]),
    );
  });
});
