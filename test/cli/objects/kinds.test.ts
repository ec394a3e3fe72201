import { expect, it } from 'vitest';
import { backups, restores, snapshots } from '../../../src/cli/objects/kinds.ts';
import { kylonResources } from '../../../src/resources/resources.ts';

it('the kinds of the commands are those of the API', () => {
  for (const { tells: _, hasLog, ...kind } of [backups, restores, snapshots]) {
    const found = kylonResources.filter((resource) => resource.kind === kind.kind);
    expect(found).toEqual([expect.objectContaining(kind)]);
    expect(found[0]?.subresources.some(({ name }) => name === 'log')).toBe(hasLog);
  }
});
