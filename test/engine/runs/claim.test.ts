import { describe, expect, it } from 'vitest';
import { Claims } from '../../../src/engine/runs/claim.ts';
import type { KubeObject } from '../../../src/machinery/object.ts';
import { ManualClock } from '../../manual-clock.ts';

const claimed = (replica: string | undefined, resourceVersion: string, phase = 'InProgress'): KubeObject => ({
  apiVersion: 'backup.kylon.io/v1alpha1',
  kind: 'Backup',
  metadata: { name: 'b', uid: 'u', resourceVersion },
  status: { phase, ...(replica && { run: { id: 'r', replica } }) },
});

function createClaims(singleReplica = false) {
  const clock = new ManualClock();
  return { clock, claims: new Claims({ clock, replica: 'me', singleReplica }) };
}

describe('Claims', () => {
  it('leaves alone what another replica works on', async () => {
    const { clock, claims } = createClaims();
    for (let version = 1; version < 10; version++) {
      expect(claims.isFree(claimed('other', String(version)))).toBe(false);
      await clock.pass(59_000);
    }
  });

  it('takes over what has not changed for a minute of its own clock', async () => {
    const { clock, claims } = createClaims();
    expect(claims.isFree(claimed('other', '1'))).toBe(false);
    await clock.pass(59_999);
    expect(claims.isFree(claimed('other', '1'))).toBe(false);
    await clock.pass(1);
    expect(claims.isFree(claimed('other', '1'))).toBe(true);
    expect(claims.isFree(claimed('other', '1'))).toBe(false);
  });

  it.each([
    ['what nobody claimed', claimed(undefined, '1')],
    ['what is new', claimed(undefined, '1', 'New')],
    ['its own claims, when it does not work on them', claimed('me', '1')],
    ['what is being deleted', claimed('other', '1', 'Deleting')],
  ])('may take %s', (_, object) => expect(createClaims().claims.isFree(object)).toBe(true));

  it('takes over at once where there is no other replica', () => {
    expect(createClaims(true).claims.isFree(claimed('other', '1'))).toBe(true);
  });
});
