import { describe, expect, it, onTestFinished } from 'vitest';
import { followAvailability, troubleOf } from '../src/availability.ts';
import type { Log } from '../src/base/log.ts';
import type { Refusal } from '../src/server/refusal.ts';
import { ManualClock, settled } from './manual-clock.ts';

const service = { namespace: 'ns', name: 'kylon' };
const where = 'https://10.0.0.1:443/apis/backup.kylon.io/v1alpha1';
const asked = `failing or missing response from ${where}: Get "${where}": `;
const bad = (code: number) => `failing or missing response from ${where}: bad status from ${where}: ${code}`;

const whatOf = (reason: string, message: string, refusal?: Refusal) =>
  troubleOf({ service, available: { status: 'False', reason, message } }, { service, refusal: () => refusal })?.what;

describe('troubleOf', () => {
  it('is none where the API is available', () => {
    const available = { status: 'True', reason: 'Passed', message: 'all checks passed' };
    expect(troubleOf({ service, available }, { service, refusal: () => undefined })).toBeUndefined();
  });

  it.each([
    ['ServiceNotFound', 'service/kylon in "ns" is not present', 'there is no Service ns/kylon: create it'],
    ['ServicePortError', 'service/kylon in "ns" is not listening on port 1', 'Service ns/kylon does not have the port'],
    ['ServiceAccessError', 'cannot be checked', 'cannot look at Service ns/kylon'],
    ['EndpointsNotFound', 'cannot find endpoints', 'give it a selector that fits the pods'],
    ['EndpointsAccessError', 'cannot be checked', 'cannot look at the endpoints'],
    ['MissingEndpoints', 'have no addresses with port name "https"', 'no pod is ready behind Service ns/kylon'],
    [
      'FailedDiscoveryCheck',
      `${asked}tls: failed to verify certificate: x509: certificate is valid for a.b.svc, localhost, not kylon.ns.svc`,
      'is for a.b.svc, localhost and not for kylon.ns.svc: make one with the DNS name kylon.ns.svc',
    ],
    [
      'FailedDiscoveryCheck',
      `${asked}x509: certificate is not valid for any names, but wanted to match kylon.ns.svc`,
      'is for no name and not for kylon.ns.svc',
    ],
    ['FailedDiscoveryCheck', `${asked}x509: certificate relies on legacy Common Name field, use SANs instead`, 'has no DNS names'],
    ['FailedDiscoveryCheck', `${asked}x509: certificate signed by unknown authority`, 'not signed by an authority of spec.caBundle'],
    ['FailedDiscoveryCheck', `${asked}x509: certificate has expired or is not yet valid: current time …`, 'is not valid now: renew it'],
    ['FailedDiscoveryCheck', `${asked}dial tcp 127.0.0.1:1: connect: connection refused`, 'nobody listens behind Service ns/kylon'],
    ['FailedDiscoveryCheck', `${asked}dial tcp: lookup x: no such host`, 'cannot resolve the name'],
    ['FailedDiscoveryCheck', `${asked}context deadline exceeded (Client.Timeout exceeded while awaiting headers)`, 'no answer within 5 s'],
    ['FailedDiscoveryCheck', bad(404), 'answers 404'],
    ['FailedDiscoveryCheck', bad(403), 'answers 403, and it is not this process'],
    ['FailedDiscoveryCheck', `${asked}EOF`, 'its own words tell why'],
  ])('%s: %s', (reason, message, expected) => {
    const what = whatOf(reason, message);
    expect(what).toContain(`APIService v1alpha1.backup.kylon.io is not available (${reason}): `);
    expect(what).toContain(expected);
  });

  it('names the certificate that was refused', () => {
    const certificate = { commonName: 'mesh', issuer: 'mesh-ca' };
    const what = whatOf('FailedDiscoveryCheck', bad(401), { path: where, code: 401, certificate });
    expect(what).toContain('answered 401 to a client certificate of the common name "mesh", issued by "mesh-ca"');
    expect(whatOf('FailedDiscoveryCheck', bad(403), { path: where, code: 403, certificate: undefined })).toContain('ends TLS');
  });

  it('names the owner where that is another', () => {
    const available = { status: 'True', reason: 'Passed', message: '' };
    const of = (owner: typeof service | undefined) => troubleOf({ service: owner, available }, { service, refusal: () => undefined })?.what;
    expect(of({ namespace: 'other', name: 'kylon' })).toContain('behind Service other/kylon, and not to this one, behind ns/kylon');
    expect(of(undefined)).toContain('belongs to a CustomResourceDefinition');
    expect(troubleOf(undefined, { service, refusal: () => undefined })?.what).toContain('does not exist');
  });
});

describe('followAvailability', () => {
  function following() {
    const state = { reason: 'Passed', fails: false };
    const lines: string[] = [];
    const get = () =>
      state.fails
        ? Promise.reject(new Error('no answer'))
        : Promise.resolve({
            apiVersion: 'apiregistration.k8s.io/v1',
            kind: 'APIService',
            metadata: { name: 'v1alpha1.backup.kylon.io' },
            spec: { service },
            status: { conditions: [{ type: 'Available', status: state.reason === 'Passed' ? 'True' : 'False', reason: state.reason }] },
          });
    const note = (level: string) => (message: string) => void lines.push(`${level} ${/\((\w+)\)/.exec(message)?.[1] ?? message}`);
    const log: Log = { debug: () => {}, info: note('info'), warn: note('warn'), error: note('error'), child: () => log };
    const clock = new ManualClock();
    const stop = new AbortController();
    onTestFinished(() => stop.abort(new Error('the test is over')));
    void followAvailability({ get }, { service, refusal: () => undefined }, { clock, log }, stop.signal);
    return { state, lines, clock };
  }

  it('tells a trouble that lasts, once, and when it is over', async () => {
    const { state, lines, clock } = following();
    await clock.pass(30_000);
    state.reason = 'MissingEndpoints';
    await clock.pass(7_000);
    expect(lines).toEqual([]);
    await clock.pass(60_000);
    expect(lines).toEqual(['error MissingEndpoints']);
    state.reason = 'ServiceNotFound';
    await clock.pass(10_000);
    state.reason = 'Passed';
    await clock.pass(60_000);
    expect(lines).toEqual([
      'error MissingEndpoints',
      'error ServiceNotFound',
      'warn APIService v1alpha1.backup.kylon.io is available again',
    ]);
  });

  it('tells nothing of what passes', async () => {
    const { state, lines, clock } = following();
    await clock.pass(20_000);
    state.reason = 'MissingEndpoints';
    await clock.pass(7_000);
    state.reason = 'Passed';
    await clock.pass(60_000);
    state.fails = true;
    await clock.pass(60_000);
    await settled();
    expect(lines).toEqual([]);
  });
});
