/** Where the least server of least-server.ts is found. */
import { namespace } from './backups.ts';

export const leastGroup = 'least.example.test';
export const leastPath = `/apis/${leastGroup}/v1alpha1/namespaces/${namespace}/backups`;

/** A long answer, for the least server to give as it stands. */
export interface ReadyAnswer {
  /** Behind `leastPath`, with its question mark. */
  readonly query: string;
  readonly accept: string;
  readonly encoding: string;
  /** Name of the file that holds its body. */
  readonly file: string;
}
export const readyIndex = 'index.json';
