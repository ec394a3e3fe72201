import { expect, it } from 'vitest';
import { backups, restores } from '../../../src/cli/objects/kinds.ts';
import { kylonResources } from '../../../src/resources/resources.ts';

it('the kinds of the commands are those of the API', () => {
  for (const kind of [backups, restores])
    expect(kylonResources.filter((resource) => resource.kind === kind.kind)).toEqual([expect.objectContaining(kind)]);
});
