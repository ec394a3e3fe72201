/**
 * Runs a program in the container that has a volume, and tells what it needs and is not there. What runs there may be anything: it is not waited
 * for without end.
 */
import type { Cluster, ExecStreams } from '../../cluster/cluster.ts';
import { ClusterError } from '../../cluster/cluster.ts';
import { quote } from '../../machinery/errors.ts';
import type { Errand } from '../mover/mover-pod.ts';
import type { Sender } from '../mover/mover.ts';
import { RunFailed } from '../runs/failure.ts';
import type { MountedVolume } from './mounted-volume.ts';
import { Silence } from './silence.ts';

/** By which env and sh tell that there is no such program. */
const notFound = 127;
const notThere = /executable file not found|no such file or directory/i;

/**
 * Milliseconds in which a program that is to go on neither writes, nor reads, nor ends, after which it is given up. TCP takes less to find that a
 * node is gone, and that is a cut, of which all is begun anew.
 */
const longestSilence = 1_200_000;

/** What it puts in its place without a word. */
export interface Placed {
  readonly contentBytes: number;
  readonly count?: number;
}

/** Milliseconds that this may take besides: over a network a small file takes longer than its bytes. */
const timeFor = ({ contentBytes, count = 0 }: Placed) => contentBytes / 1_000 + count * 50;
const nothing: Placed = { contentBytes: 0 };

/**
 * Resolves to its exit code. Rejects with RunFailed where the image does not have it, or it does nothing for too long, and with ClusterError code 0
 * where the connection is cut.
 */
export async function runInContainer(
  sender: Sender,
  { owner }: Pick<Errand, 'owner'>,
  mounted: MountedVolume,
  command: readonly string[],
  streams: ExecStreams,
  placed = nothing,
): Promise<number> {
  const { pod, container, image } = mounted;
  const missing = (message: string) =>
    new RunFailed('TarNotFound', `the image ${quote(image)} of ${placeOf(mounted)} lacks what copies a volume: ${message}`);
  try {
    const longest = () => longestSilence + timeFor(placed);
    const code = await unlessSilent(sender, mounted, longest, streams, (watched, signal) =>
      sender.cluster.exec({ namespace: owner.metadata.namespace ?? '', pod, container, command }, watched, signal),
    );
    if (code === notFound) throw missing('tar, sh, or dd for blocks');
    return code;
  } catch (error) {
    if (error instanceof ClusterError && error.code >= 500 && notThere.test(error.message)) throw missing(error.message);
    throw error;
  }
}

/** For messages. */
export const placeOf = ({ pod, container }: MountedVolume): string => `the container ${quote(container)} of the Pod ${quote(pod)}`;

type Run = (streams: ExecStreams, signal: AbortSignal) => ReturnType<Cluster['exec']>;

/** Rejects with RunFailed where nothing goes through the streams for too long, and that is not because of us. */
async function unlessSilent(
  { parts: { clock }, signal }: Sender,
  mounted: MountedVolume,
  longest: () => number,
  streams: ExecStreams,
  run: Run,
): Promise<number> {
  const silence = new Silence(clock);
  const [over, stop] = [new AbortController(), new AbortController()];
  const why = `the program in ${placeOf(mounted)} neither wrote, nor read, nor ended for`;
  silence.lasting(longest, over.signal).then(
    () => stop.abort(new RunFailed('ProgramSilent', `${why} ${Math.round(longest() / 60_000)} minutes`)),
    () => {},
  );
  try {
    return await run(watched(silence, streams), AbortSignal.any([signal, stop.signal]));
  } finally {
    over.abort(new Error('the program has ended'));
  }
}

function watched(silence: Silence, { input, output, errors, ...rest }: ExecStreams): ExecStreams {
  return {
    ...rest,
    ...(input && { input: given(silence, input) }),
    output: (piece) => silence.during(() => output(piece)),
    errors(piece) {
      silence.end();
      errors(piece);
    },
  };
}

async function* given(silence: Silence, input: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const pieces = input[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await silence.during(() => pieces.next());
      if (next.done) return;
      yield next.value;
    }
  } finally {
    await pieces.return?.();
  }
}
