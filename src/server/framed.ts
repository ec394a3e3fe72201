/**
 * What lies between an HTTP/2 session and its TLS connection, for the sake of one frame that Node does not send: the notice that begins a
 * graceful shutdown. https://www.rfc-editor.org/rfc/rfc9113#section-6.8 After any GOAWAY of its own Node's session drops new streams,
 * though the client may have sent them before it heard of it; of this one it knows nothing.
 */
import { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';

/** GOAWAY: 8 bytes for the whole connection, all streams up to the highest number are served, and nothing is wrong. */
const notice = Buffer.from('0000080700000000007fffffff00000000', 'hex');

export class Framed extends Duplex {
  readonly socket: TLSSocket;

  constructor(socket: TLSSocket) {
    super();
    this.socket = socket;
    socket.on('data', (piece: Buffer) => this.push(piece) || socket.pause());
    socket.on('end', () => this.push(null));
    socket.on('close', () => this.destroy());
    socket.on('error', (error) => this.destroy(error));
  }

  /** The client opens another connection for its next request. May be sent between frames only: the session writes whole ones. */
  sendNotice(): void {
    if (this.socket.writable) this.socket.write(notice);
  }

  override _read(): void {
    this.socket.resume();
  }

  override _write(piece: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.socket.write(piece, done);
  }

  /** The session hands over the head and the content of each frame by itself: sent one by one they would cost twice as much. */
  override _writev(pieces: readonly { readonly chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this.socket.write(Buffer.concat(pieces.map(({ chunk }) => chunk)), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.socket.end(done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.socket.destroy();
    done(error);
  }
}
