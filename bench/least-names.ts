/** Where the least server of least-server.ts is found. */
import { namespace } from './backups.ts';

export const leastGroup = 'least.example.test';
export const leastPath = `/apis/${leastGroup}/v1alpha1/namespaces/${namespace}/backups`;
