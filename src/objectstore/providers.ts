/** The object stores that there are. A new one is a file beside this and a line here. */
import { azureProvider } from './azure/azure.ts';
import { directoryProvider } from './directory/directory.ts';
import { gcsProvider } from './gcs/gcs.ts';
import { memoryProvider } from './memory.ts';
import type { Provider } from './provider.ts';
import { s3Provider } from './s3/s3.ts';

export const providers: readonly Provider[] = [directoryProvider, memoryProvider, azureProvider, gcsProvider, s3Provider];
