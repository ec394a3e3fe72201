/** What `GET /version` says. */

export interface Version {
  /** `v0.1.0+kylon`. */
  readonly gitVersion: string;
  readonly major: string;
  readonly minor: string;
}

export const kylonVersion: Version = { gitVersion: 'v0.1.0+kylon', major: '0', minor: '1' };

/** A version of Kubernetes is what kubectl expects where nothing else serves; it chooses by it what to ask for. */
export const playgroundVersion: Version = { gitVersion: 'v1.36.0+kylon-0.1.0', major: '1', minor: '36' };

export function versionInfo({ gitVersion, major, minor }: Version) {
  return {
    major,
    minor,
    gitVersion,
    gitCommit: '',
    gitTreeState: 'clean',
    buildDate: '1970-01-01T00:00:00Z',
    goVersion: '',
    compiler: '',
    platform: `${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`,
  };
}
