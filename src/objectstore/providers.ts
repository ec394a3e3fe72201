/** The object stores that there are. A new one is a file beside this and a line here. */
import { directoryProvider } from './directory.ts';
import { memoryProvider } from './memory.ts';
import type { Provider } from './provider.ts';

export const providers: readonly Provider[] = [directoryProvider, memoryProvider];
