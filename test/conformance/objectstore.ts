/** What every object store does; run over all of them by the tests of each. What a store leaves out stands in objectstore/skips.ts. */
import { afterEach, beforeEach } from 'vitest';
import { describeCreates } from './objectstore/creates.ts';
import { describeKeys } from './objectstore/keys.ts';
import { describeLists } from './objectstore/lists.ts';
import { describeNetwork } from './objectstore/network.ts';
import { describePlaces } from './objectstore/places.ts';
import { describeReads } from './objectstore/reads.ts';
import type { StoreUnderTest, Subject } from './objectstore/subject.ts';
import { describeUploads } from './objectstore/uploads.ts';

export type { StoreUnderTest } from './objectstore/subject.ts';

export function describeObjectStore(create: () => Promise<StoreUnderTest>): void {
  let made: StoreUnderTest | undefined;
  const now = () => {
    if (made === undefined) throw new Error('no store: it is made before each test');
    return made;
  };
  const subject: Subject = {
    get made() {
      return now();
    },
    get store() {
      return now().clients[0];
    },
    get other() {
      return now().clients[1];
    },
  };
  beforeEach(async () => {
    made = await create();
  });
  afterEach(async () => {
    await made?.destroy();
    made = undefined;
  });

  describeCreates(subject);
  describeReads(subject);
  describeUploads(subject);
  describeLists(subject);
  describeKeys(subject);
  describePlaces(subject);
  describeNetwork(subject);
}
