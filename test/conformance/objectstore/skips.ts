/** What cannot be asked of a store, and why. Whatever is not in this table is run, or fails. */
import type { TestContext } from 'vitest';
import type { StoreUnderTest } from './subject.ts';

type Requirement = 'a network' | 'credentials' | 'a place' | 'keys below keys' | 'parts that are asked for';

/** By the scheme of the store's URL. */
const notApplicable: Readonly<Record<string, Readonly<Partial<Record<Requirement, string>>>>> = {
  memory: {
    'a network': 'lies in the process',
    credentials: 'lies in the process',
    'a place': 'lies in the process',
  },
  file: {
    'a network': 'is reached through the file system',
    credentials: 'the file system knows the user of the process and no other',
    'a place': 'a folder that is not there is made',
    'keys below keys': 'a name is either a file or a folder',
  },
  gs: {
    'keys below keys': 'fake-gcs-server, on which this runs, keeps objects as files of their names',
    'parts that are asked for':
      'fake-gcs-server, on which this runs, ends an upload when it is asked how much of it is there; gcs-store.test.ts has the rule of the API',
  },
  s3: {
    'keys below keys': 'MinIO, on which this runs, lists nothing below a key that is an object itself',
  },
};

/** `found`, where the store has it; skips the test where the table says why not, and fails it elsewhere. */
export function required<T>(context: TestContext, made: StoreUnderTest, requirement: Requirement, found: T | undefined): T {
  const reason = reasonOf(made, requirement);
  if (reason !== undefined) context.skip(`${requirement}: ${reason}`);
  if (found === undefined)
    throw new Error(`${made.clients[0].name}: the test offers nothing for "${requirement}", and no reason for that stands in skips.ts`);
  return found;
}

function reasonOf({ clients: [{ name }] }: StoreUnderTest, requirement: Requirement): string | undefined {
  return notApplicable[name.slice(0, name.indexOf(':'))]?.[requirement];
}
