import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { providers } from '../src/objectstore/providers.ts';
import { helpText, OptionsError, readOptions } from '../src/options.ts';

const read = (argv: string[], env: Record<string, string> = {}) => {
  const options = readOptions(argv, env);
  if (options === 'help') throw new Error('help');
  return options;
};
const faultsOf = (argv: string[], env: Record<string, string> = {}): readonly string[] => {
  try {
    read(argv, env);
  } catch (error) {
    if (error instanceof OptionsError) return error.faults;
    throw error;
  }
  return [];
};

describe('options', () => {
  it('is a playground on loopback when nothing is said', () => {
    expect(read([])).toMatchObject({
      mode: 'playground',
      host: '127.0.0.1',
      port: 8443,
      data: resolve('.kylon'),
      store: new URL(`file://${resolve('.kylon/store')}`).href,
      logLevel: 'warn',
      shutdownDelay: 0,
    });
  });

  it('takes flags in both forms, before the environment', () => {
    expect(read(['--port=0', '--data', '/tmp/x'], { KYLON_PORT: '7', KYLON_LOG_LEVEL: 'info' })).toMatchObject({
      port: 0,
      data: '/tmp/x',
      store: 'file:///tmp/x/store',
      logLevel: 'info',
    });
  });

  it('takes the file with the keys of the store, and refuses one that is not there', () => {
    expect(read([]).encryptionKeys).toBeUndefined();
    expect(read(['--encryption-keys', import.meta.filename]).encryptionKeys).toBe(import.meta.filename);
    expect(read([], { KYLON_ENCRYPTION_KEYS: import.meta.filename }).encryptionKeys).toBe(import.meta.filename);
    expect(faultsOf(['--encryption-keys', '/no/such'])).toEqual(['--encryption-keys: there is no file /no/such']);
  });

  it('never repeats a key that is given instead of a file', () => {
    const keys = ['key-2026-11-21:Zm9vYmFyYmF6Zm9vYmFyYmF6Zm9vYmFyYmF6Zm9vYmE=', 'Zm9vYmFyYmF6Zm9vYmFyYmF6Zm9vYmFyYmF6Zm9vYmE='];
    const fault = '--encryption-keys: the value is no file: it seems to be a key itself; write it into a file';
    for (const key of keys) {
      expect(faultsOf(['--encryption-keys', key])).toEqual([fault]);
      expect(faultsOf([], { KYLON_ENCRYPTION_KEYS: `${key}\n` })).toEqual([fault]);
    }
  });

  it('refuses settings of the environment that are empty, misspelt or neither true nor false', () => {
    expect(faultsOf([], { KYLON_ENCRYPTION_KEYS: '' })).toEqual(['KYLON_ENCRYPTION_KEYS: needs a value, FILE']);
    expect(faultsOf([], { KYLON_ENCRYPTION_KEY: '/keys', KYLON_COLOUR: 'red' })).toEqual([
      'KYLON_ENCRYPTION_KEY: no such setting: see --help',
      'KYLON_COLOUR: no such setting: see --help',
    ]);
    expect(faultsOf([], { KYLON_IN_CLUSTER: 'maybe' })).toEqual(['KYLON_IN_CLUSTER: "maybe" is neither true nor false']);
  });

  it('passes over what Kubernetes says of a Service named kylon', () => {
    const env = {
      KYLON_SERVICE_HOST: '10.96.0.7',
      KYLON_SERVICE_PORT: '443',
      KYLON_SERVICE_PORT_HTTPS: '443',
      KYLON_PORT: 'tcp://10.96.0.7:443',
      KYLON_PORT_443_TCP: 'tcp://10.96.0.7:443',
      KYLON_PORT_443_TCP_ADDR: '10.96.0.7',
    };
    expect(read([], env).port).toBe(8443);
  });

  it('takes switches from the environment', () => {
    expect(read([], { KYLON_IN_CLUSTER: 'true' })).toMatchObject({ mode: 'in-cluster', host: '0.0.0.0', shutdownDelay: 10_000 });
    expect(read([], { KYLON_IN_CLUSTER: 'false' }).mode).toBe('playground');
  });

  it('refuses everything that is wrong at once, naming flag and cause', () => {
    const faults = faultsOf([
      '--port',
      'x',
      '--kubeconfig',
      '/no/such',
      '--in-cluster',
      '--colour',
      '--store',
      'nowhere',
      'stray',
      '--tls-cert-file',
      import.meta.filename,
      '--log-level=loud',
      '--service',
      'Bad',
    ]);
    expect(faults).toEqual([
      'unknown flag --colour: see --help',
      'unexpected argument "stray": flags begin with --',
      '--kubeconfig and --in-cluster exclude each other',
      '--service: "Bad" is not of the form NAMESPACE/NAME',
      '--store: not a URL such as file:///var/lib/kylon',
      '--port: "x" is not a whole number from 0 to 65535',
      '--kubeconfig: there is no file /no/such',
      '--tls-cert-file and --tls-private-key-file go together',
      '--log-level: "loud" is none of debug, info, warn, error, silent',
    ]);
  });

  it('knows how volumes are copied: by an image, from an address that Pods can reach', () => {
    expect(read(['--copy-image=busybox:1']).copyImage).toBe('busybox:1');
    const moverOf = (argv: readonly string[]) => read([...argv]).mover;
    expect(moverOf([])).toBeUndefined();
    expect(moverOf(['--in-cluster', '--mover-image=m:1'])).toEqual({ image: 'm:1', address: 'https://kylon.kube-system.svc' });
    expect(moverOf(['--mover-image=m:1', '--mover-address=https://10.0.0.1:8443'])).toEqual({
      image: 'm:1',
      address: 'https://10.0.0.1:8443',
    });
    expect(faultsOf(['--mover-image=m:1'])).toEqual(['--mover-image goes with --mover-address, unless Kylon runs --in-cluster']);
    expect(faultsOf(['--mover-address=http://a'])).toEqual([
      '--mover-address goes with --mover-image',
      '--mover-address: "http://a" is not of the form https://HOST[:PORT]',
    ]);
  });

  it('knows how often repositories are checked and pruned', () => {
    const often = (value: string) => [`--default-repo-maintain-frequency=${value}`];
    expect(read([]).maintainEvery).toBe(24 * 3_600_000);
    expect(read(often('1h30m')).maintainEvery).toBe(90 * 60_000);
    for (const wrong of ['59s', 'daily', '-24h'])
      expect(faultsOf(often(wrong))).toEqual([`--default-repo-maintain-frequency: "${wrong}" is no duration of at least 1m, such as 24h`]);
  });

  it('refuses a store of a kind it does not know, without repeating what may be a secret', () => {
    const known = providers.map(({ scheme }) => scheme).join(', ');
    expect(faultsOf(['--store', 'ftp://user:secret@host/x'])).toEqual([`--store: unknown scheme ftp, known are ${known}`]);
    expect(faultsOf(['--store', 's3://user:secret@bucket'])).toEqual([
      '--store: it holds a user name or password: secrets belong in the environment or a file',
    ]);
    expect(faultsOf(['--store', 'memory:', '--in-cluster'])).toEqual([
      '--store: memory: forgets everything, which only the playground may',
    ]);
  });

  it('refuses a flag without its value', () => {
    expect(faultsOf(['--data'])).toEqual(['--data: needs a value, DIR']);
  });

  it('explains every flag', () => {
    expect(readOptions(['--help'], {})).toBe('help');
    for (const flag of ['--data DIR', '--store URL', '--port N', '--kubeconfig FILE', '--audit-log FILE', '--in-cluster', 'KYLON_'])
      expect(helpText()).toContain(flag);
  });
});
