/** Settings from the environment: KYLON_DATA for --data. A misspelt one is a fault, since to leave it out may cost a store its encryption. */

export type Environment = Readonly<Record<string, string | undefined>>;

/** What Kubernetes puts into pods beside a Service named kylon. https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables */
const ofService = /_SERVICE_HOST$|_SERVICE_PORT(_|$)|_PORT$|_PORT_[0-9]/;
/** What KYLON_PORT is in such a pod: not the port to listen on. */
const serviceAddress = /^(tcp|udp|sctp):\/\//;
/** Of the tests and figures. */
const ofChecks = /^KYLON_(TEST|BENCH)_/;

export function variableOf(flag: string): string {
  return `KYLON_${flag.toUpperCase().replaceAll('-', '_')}`;
}

/** What the environment says of a flag; undefined where that is nothing. */
export function settingOf(flag: string, env: Environment): string | undefined {
  const value = env[variableOf(flag)];
  return flag === 'port' && value !== undefined && serviceAddress.test(value) ? undefined : value;
}

/** A line for each variable that looks like a setting and is none. */
export function strayVariables(flags: readonly string[], env: Environment): readonly string[] {
  const known = flags.map(variableOf);
  const stray = Object.keys(env).filter((name) => name.startsWith('KYLON_') && !known.includes(name));
  return stray.filter((name) => !ofService.test(name) && !ofChecks.test(name)).map((name) => `${name}: no such setting: see --help`);
}
