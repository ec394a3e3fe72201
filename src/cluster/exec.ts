/**
 * Runs a program in a container of a Pod, over WebSocket: each message is of one stream, which its first byte names.
 * https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#get-connect-get-requests-to-exec-of-pod
 */
import type WebSocket from 'ws';
import type { Clock } from '../base/clock.ts';
import { messageOf } from '../base/lifetime.ts';
import type { ApiClient } from './client.ts';
import type { Cluster } from './cluster.ts';
import { ClusterError } from './cluster.ts';

type Target = Parameters<Cluster['exec']>[0];
type Streams = Parameters<Cluster['exec']>[1];

/** Only the fifth can tell the program that its input has ended. https://github.com/kubernetes/enhancements/tree/master/keps/sig-api-machinery/4006-transition-spdy-to-websockets */
const [closing, old] = ['v5.channel.k8s.io', 'v4.channel.k8s.io'] as const;
const channels = { input: 0, output: 1, errors: 2, status: 3, close: 255 } as const;

/** Of input, in one message. */
const longestMessage = 64 << 10;
/** Bytes that wait for who takes the output; with more, nothing is read from the connection. */
const mostWaiting = 1 << 20;
/** What a piece takes beside its bytes: a program may write them one by one. */
const besideBytes = 256;
/** Milliseconds between looks at whether the other side is there; as long as it may be silent. */
const lookEvery = 20_000;
const longestSilence = 60_000;

export async function execute(client: ApiClient, clock: Clock, target: Target, streams: Streams, signal: AbortSignal): Promise<number> {
  const { namespace, pod, container, command } = target;
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/exec`;
  const flags = { container, stdout: 'true', stderr: 'true', ...((streams.input ?? streams.reply) && { stdin: 'true' }) };
  const what = `the program ${JSON.stringify(command[0])} in the Pod ${JSON.stringify(pod)}`;
  signal.throwIfAborted();
  const request = { path, query: { ...flags, command }, headers: { Accept: '*/*' } };
  const socket = await client.webSocket(request, streams.input ? [closing] : [closing, old], signal);
  const execution = new Execution(socket, streams, what);
  const over = new AbortController();
  const stop = () => execution.fail(signal.reason);
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  void execution.watch(clock, over.signal);
  void execution.reply();
  try {
    const [code] = await Promise.all([execution.run(), execution.send()]);
    return code;
  } finally {
    over.abort(new Error('the program has ended'));
    signal.removeEventListener('abort', stop);
    socket.terminate();
  }
}

class Execution {
  readonly #socket: WebSocket;
  readonly #streams: Streams;
  readonly #what: string;
  readonly #waiting: Buffer[] = [];
  #bytes = 0;
  #heard = true;
  #changed = Promise.withResolvers<void>();
  #status: Buffer | undefined;
  #failure: { readonly error: unknown } | undefined;
  #closed = false;

  constructor(socket: WebSocket, streams: Streams, what: string) {
    this.#socket = socket;
    this.#streams = streams;
    this.#what = what;
    socket.on('message', (message: Buffer) => this.#take(message));
    socket.on('pong', () => (this.#heard = true));
    socket.on('error', (error) => this.fail(this.#cut(messageOf(error))));
    socket.on('close', () => {
      this.#closed = true;
      this.#wake();
    });
    socket.resume();
  }

  get #isOver(): boolean {
    return this.#status !== undefined || this.#failure !== undefined || this.#closed;
  }

  /** Hands on the output, and resolves to the exit code. */
  async run(): Promise<number> {
    for (;;) {
      const piece = this.#next();
      if (piece) await this.#streams.output(piece);
      else if (this.#failure) throw this.#failure.error;
      else if (this.#status) return exitCodeIn(this.#status, this.#what);
      else if (this.#closed) throw this.#cut('the connection was closed before it had ended');
      else await this.#changed.promise;
    }
  }

  /** All of the input. What the program does not want any more is no fault: its exit code tells. */
  async send(): Promise<void> {
    try {
      for await (const part of partsOf(this.#streams.input ?? [])) {
        if (this.#isOver) return;
        await this.#put(channels.input, part);
      }
      if (this.#streams.input) await this.#put(channels.close, Uint8Array.of(channels.input));
    } catch (error) {
      this.fail(error);
    }
  }

  /** Whether it arrives is seen by what the program does. */
  async reply(): Promise<void> {
    const words = await this.#streams.reply;
    if (words && !this.#isOver) await this.#put(channels.input, words).catch(() => {});
  }

  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#waiting.length = 0;
    this.#socket.terminate();
    this.#wake();
  }

  /** Until the signal aborts. A connection that is not read tells nothing. */
  async watch(clock: Clock, signal: AbortSignal): Promise<void> {
    for (let silence = 0; !signal.aborted; await clock.sleep(lookEvery, signal).catch(() => {})) {
      silence = this.#heard || this.#socket.isPaused ? 0 : silence + lookEvery;
      this.#heard = false;
      if (silence >= longestSilence) this.fail(this.#cut(`nothing was heard for ${longestSilence / 1_000} s`));
      if (this.#socket.readyState === this.#socket.OPEN) this.#socket.ping();
    }
  }

  #take(message: Buffer): void {
    this.#heard = true;
    const content = message.subarray(1);
    if (message[0] === channels.errors) this.#streams.errors(content);
    else if (message[0] === channels.status) this.#status = content;
    else if (message[0] === channels.output && content.length > 0) {
      this.#waiting.push(content);
      this.#bytes += content.length + besideBytes;
      if (this.#bytes >= mostWaiting) this.#socket.pause();
    }
    this.#wake();
  }

  #next(): Buffer | undefined {
    const piece = this.#waiting.shift();
    if (piece) this.#bytes -= piece.length + besideBytes;
    if (this.#bytes < mostWaiting && this.#socket.isPaused) this.#socket.resume();
    return piece;
  }

  #put(channel: number, content: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.send(Buffer.concat([Uint8Array.of(channel), content]), (error) =>
        error && !this.#status ? reject(this.#cut(messageOf(error))) : resolve(),
      );
    });
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  #cut(why: string): ClusterError {
    return new ClusterError(0, '', `${this.#what}: ${why}`);
  }
}

async function* partsOf(pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) for (let at = 0; at < piece.length; at += longestMessage) yield piece.subarray(at, at + longestMessage);
}

interface ExecStatus {
  readonly status?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly code?: number;
  readonly details?: { readonly causes?: readonly { readonly reason?: string; readonly message?: string }[] };
}

/** Throws ClusterError where it did not come to run. */
function exitCodeIn(bytes: Buffer, what: string): number {
  const { status, reason = '', message = '', code = 500, details } = JSON.parse(bytes.toString()) as ExecStatus;
  if (status === 'Success') return 0;
  const exit = details?.causes?.find((cause) => cause.reason === 'ExitCode')?.message;
  if (reason === 'NonZeroExitCode' && exit !== undefined) return Number(exit);
  throw new ClusterError(code, reason, `${what}: ${message}`);
}
