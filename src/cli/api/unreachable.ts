/** No answer came, in the words in which kubectl tells it. */
import { messageOf } from '../../base/lifetime.ts';
import { codeOf } from '../../base/system-errors.ts';
import { Ending, exits } from '../exits.ts';

export class Unreachable extends Ending {
  override readonly name = 'Unreachable';
  constructor(message: string, cause: unknown) {
    super(exits.unreachable, message, { cause });
  }
}

export function unreachable(server: URL, error: Error): Unreachable {
  const { cause } = error;
  if (codeOf(cause) === 'ECONNREFUSED')
    return new Unreachable(`The connection to the server ${server.host} was refused - did you specify the right host or port?`, error);
  return new Unreachable(`Unable to connect to the server: ${messageOf(error)}`, error);
}
