import { describe } from 'vitest';
import { describeObjectStore } from '../conformance/objectstore.ts';
import { stores } from './stores.ts';

describe.each(stores)('the object store $name', ({ create }) => describeObjectStore(create));
