import { expect, it } from 'vitest';
import { backups, restores, snapshots } from '../../../src/cli/objects/kinds.ts';
import { kylonResources } from '../../../src/resources/resources.ts';

it('the kinds of the commands are those of the API', () => {
  for (const { tells: _, ...kind } of [backups, restores, snapshots])
    expect(kylonResources.filter((resource) => resource.kind === kind.kind)).toEqual([expect.objectContaining(kind)]);
});
