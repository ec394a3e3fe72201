/** May they, where there is no cluster to ask: the playground has no roles, so its owner may all and others may look around. */
import type { Authorizer, AccessAttributes, PathAttributes, User, Verdict } from '../machinery/user.ts';
import { settledVerdict, masters } from './authorize.ts';

export const mastersOnly: Authorizer = {
  authorize: (user, attributes) => Promise.resolve(settledVerdict(user, attributes) ?? lookAround(user, attributes)),
};

/** What tells which kinds there are, and nothing about objects. */
const signposts = /^\/(api|apis|openapi|version)(\/.*)?$/;

function lookAround(user: User, attributes: AccessAttributes | PathAttributes): Verdict {
  const reading = 'path' in attributes && (attributes.verb === 'get' || attributes.verb === 'head') && signposts.test(attributes.path);
  return reading && user.groups.includes('system:authenticated')
    ? { allowed: true, reason: 'discovery is open to every authenticated user' }
    : { allowed: false, reason: `this server has no roles, only members of ${masters} may do this` };
}
