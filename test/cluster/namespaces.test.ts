import { expect, it } from 'vitest';
import { hurriedClock, never, scriptedCluster, status } from './api-server.ts';

it('tells the phase of a namespace, and remembers for a second that it is active', async () => {
  const clock = { ...hurriedClock(), monotonic: () => now };
  let now = 0;
  let phase = 'Active';
  await using server = await scriptedCluster(({ path }) => {
    if (path.endsWith('/gone')) return status(404, 'NotFound', 'no');
    return path.endsWith('/odd') ? status(403, 'Forbidden', 'no') : { body: { status: { phase } } };
  }, clock);
  const { namespaces } = server.cluster;
  expect(await namespaces.phase('gone', never)).toBeUndefined();
  expect(await namespaces.phase('a', never)).toBe('Active');
  phase = 'Terminating';
  now = 999;
  expect(await namespaces.phase('a', never)).toBe('Active');
  now = 1000;
  expect(await namespaces.phase('a', never)).toBe('Terminating');
  await expect(namespaces.phase('odd', never)).rejects.toMatchObject({ code: 403 });
});

it('asks anew for a namespace that was not there or was going: it may have been made since', async () => {
  let answer: object = status(404, 'NotFound', 'no');
  await using server = await scriptedCluster(() => answer, { ...hurriedClock(), monotonic: () => 0 });
  const { namespaces } = server.cluster;
  expect(await namespaces.phase('a', never)).toBeUndefined();
  answer = { body: { status: { phase: 'Terminating' } } };
  expect(await namespaces.phase('a', never)).toBe('Terminating');
  answer = { body: { status: { phase: 'Active' } } };
  expect(await namespaces.phase('a', never)).toBe('Active');
});
