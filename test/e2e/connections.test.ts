/** How many connections kube-apiserver has to Kylon: with HTTP/2 one for all that it asks. */
import { readdirSync } from 'node:fs';
import { expect, it, describe } from 'vitest';
import { acceptance, acceptanceBed } from './acceptance.ts';
import { path } from './objects.ts';
import { Proxy } from './proxy.ts';

const ns = 'kylon-e2e-connections';
const watches = 300;
/** Those of probes and of the availability check among them. */
const few = 10;

describe(`${acceptance.title}: connections`, acceptance.options, () => {
  const { kubectl, process } = acceptanceBed(ns);
  const socketsOfKylon = () => readdirSync(`/proc/${process()?.child.pid}/fd`).length;

  it('are not needed for each watch', async () => {
    const proxy = await Proxy.start(kubectl);
    const before = socketsOfKylon();
    const answers = await Promise.all(Array.from({ length: watches }, () => proxy.open(`${path(ns, 'backups')}?watch=true`)));
    expect(new Set(answers.map(({ statusCode }) => statusCode))).toEqual(new Set([200]));
    expect(socketsOfKylon() - before).toBeLessThan(few);
    answers.forEach((answer) => answer.on('error', () => {}).destroy());
    await proxy.stop();
  });
});
