/** Trust as the cluster publishes it, at any moment. What cannot be read leaves in force what could be read before. */
import { messageOf } from '../base/lifetime.ts';
import type { Log } from '../base/log.ts';
import type { Metrics } from '../base/metrics.ts';
import type { TrustWatch } from '../cluster/trust-watch.ts';
import { parseTrust } from './trust.ts';
import type { TrustSource } from './trust.ts';

/**
 * Throws an Error that names the key at fault when what is published now is not usable, or names no front proxy: then every request
 * that comes by way of the cluster would be nobody's.
 */
export function followTrust(published: TrustWatch, { log, metrics }: { readonly log: Log; readonly metrics: Metrics }): TrustSource {
  let trust = parseTrust(published.data());
  let unusable = false;
  if (!trust.requestHeader?.usernameHeaders.length) throw new Error(noFrontProxy);
  published.onChange(() => {
    try {
      trust = parseTrust(published.data());
      unusable = false;
    } catch (error) {
      unusable = true;
      log.error('what the cluster publishes of its authorities is not usable; the last known ones stay in force', {
        error: messageOf(error),
      });
    }
  });
  const stale = () => Number(unusable || published.isGone());
  metrics.gauge(
    'kylon_trust_stale',
    '1 while the cluster publishes no usable authorities, so that the last known ones are in force.',
    stale,
  );
  return { current: () => trust };
}

const noFrontProxy =
  'the cluster names no front proxy, by which users reach an aggregated API: kube-apiserver needs --requestheader-client-ca-file and --requestheader-username-headers';
