/**
 * What a program in a container writes, to its end. Of an output that is read slowly Kubernetes may lose the last megabytes when the program ends, and
 * call that success (https://github.com/kubernetes/kubernetes/issues/124571). So it is kept from ending until it is told that all has come.
 */
import type { Errand } from '../mover/mover-pod.ts';
import type { Sender } from '../mover/mover.ts';
import { runInContainer } from './container-program.ts';
import type { MountedVolume } from './mounted-volume.ts';
import { Silence } from './silence.ts';
import { TarComplaints } from './tar-complaints.ts';

/** What the shell says on standard error when the program has ended, and waits. */
const ended = 'kylon: all is written';
/**
 * One that was killed, or was not there, has nothing more to come. One of which nobody takes any more would never end by itself, since containerd holds its
 * output open (https://github.com/containerd/containerd/blob/v2.3.7/cmd/containerd-shim-runc-v2/process/io.go): the end of the input tells that its
 * reader has gone, and all that was begun here goes, which is a group of processes of its own in a container.
 */
const script = `exec 3<&0
give_up() {
  read -r _ _ _ _ group _ </proc/$$/stat
  [ "$group" != $$ ] || kill -s KILL 0
  kill -s KILL "$program"
}
"$@" </dev/null 3<&- &
program=$!
{ read -r _ <&3 || give_up; } &
reader=$!
wait "$program"
code=$?
[ $code -lt 126 ] || { kill "$reader"; exit $code; }
echo '${ended}' >&2
wait "$reader"
exit $code`;
const goOn = Buffer.from('\n');

/** Milliseconds without output, of a program that has ended, after which no more is waited for. */
const longestSilence = 30_000;

export interface Reader {
  /** Takes what comes; no more comes before this has resolved. */
  readonly push: (piece: Uint8Array) => Promise<void>;
  /** Whether all that has to come has been taken. */
  readonly isWhole: () => boolean;
}

export interface ReadOut {
  /** Of the program. */
  readonly code: number;
  readonly complaints: TarComplaints;
}

/** Resolves when it has ended, whether all has come or not. Rejects as runInContainer does. */
export async function readOut(
  sender: Sender,
  errand: Pick<Errand, 'owner'>,
  mounted: MountedVolume,
  program: readonly string[],
  { push, isWhole }: Reader,
): Promise<ReadOut> {
  const complaints = new TarComplaints(ended);
  const over = new AbortController();
  const { promise: reply, resolve } = Promise.withResolvers<Uint8Array>();
  const silence = new Silence(sender.parts.clock);
  const output = async (piece: Uint8Array) => {
    await silence.during(() => push(piece));
    if (isWhole()) resolve(goOn);
  };
  const { promise: hasEnded, resolve: end } = Promise.withResolvers<void>();
  const untilSilence = async () => {
    silence.end();
    await silence.lasting(() => longestSilence, over.signal);
    resolve(goOn);
  };
  hasEnded.then(untilSilence).catch(() => {});
  const errors = (piece: Uint8Array) => {
    if (complaints.add(piece)) end();
  };
  try {
    const command = ['sh', '-c', script, 'sh', ...program];
    const code = await runInContainer(sender, errand, mounted, command, { reply, output, errors });
    complaints.end();
    return { code, complaints };
  } finally {
    over.abort(new Error('the program has ended'));
  }
}
