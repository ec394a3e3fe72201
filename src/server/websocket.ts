/** Watches over WebSocket, as browsers ask for them: each event is one text message. https://www.rfc-editor.org/rfc/rfc6455 */
import { createHash } from 'node:crypto';
import { ServerResponse } from 'node:http';
import type { IncomingMessage, RequestListener } from 'node:http';
import type { Duplex } from 'node:stream';

/** What the answer to an upgrade has to repeat. */
export interface WebSocketOffer {
  readonly key: string;
  /** Empty where the client names none. */
  readonly protocol: string;
}

/** Of the requests that Node has taken for upgrades; all others keep to HTTP, whatever they offer. */
const offers = new WeakMap<IncomingMessage, WebSocketOffer>();

export const takenOffer = (request: IncomingMessage): WebSocketOffer | undefined => offers.get(request);

/** Whether Node is to take a request for an upgrade. */
export const asksForWebSocket = (request: IncomingMessage): boolean => offerOf(request) !== undefined;

function offerOf({ method, headers }: IncomingMessage): WebSocketOffer | undefined {
  const { upgrade, 'sec-websocket-key': key, 'sec-websocket-version': version, 'sec-websocket-protocol': protocols = '' } = headers;
  if (method !== 'GET' || upgrade?.toLowerCase() !== 'websocket' || !key || version !== '13') return undefined;
  return { key, protocol: chosen(protocols.split(',').map((name) => name.trim())) };
}

/** The first one; a token comes as one too, and must not be told again. */
function chosen(protocols: readonly string[]): string {
  return protocols.find((name) => /^[\w.-]+$/.test(name) && !name.startsWith('base64url.bearer.')) ?? '';
}

/** Lets `serve` answer a request that Node has taken for an upgrade; its connection ends with the answer. */
export function serveUpgrade(serve: RequestListener, request: IncomingMessage, socket: Duplex): void {
  const offer = offerOf(request);
  if (offer) offers.set(request, offer);
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket as typeof request.socket);
  response.on('finish', () => socket.end(() => socket.destroy()));
  socket.on('error', () => socket.destroy());
  socket.on('end', () => socket.destroy());
  socket.on('data', (frame: Buffer) => isClosing(frame) && socket.destroy());
  serve(request, response);
}

/** Of the frames of a client only this one matters; any frame that clients of watches send is short, and comes as a piece. */
const isClosing = (frame: Buffer) => ((frame[0] ?? 0) & 0x0f) === 0x8;

/** Fixed by the RFC. */
const salt = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

export function upgradeHeaders({ key, protocol }: WebSocketOffer): Readonly<Record<string, string>> {
  return {
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Accept': createHash('sha1')
      .update(key + salt)
      .digest('base64'),
    ...(protocol && { 'Sec-WebSocket-Protocol': protocol }),
  };
}

/** Each line as the frame of a text message; pieces end with a line. */
export async function* messages(pieces: AsyncIterable<string | Uint8Array>): AsyncGenerator<Buffer> {
  for await (const piece of pieces) {
    const lines = (typeof piece === 'string' ? piece : Buffer.from(piece).toString()).split('\n');
    for (const line of lines) if (line !== '') yield textFrame(Buffer.from(line));
  }
}

function textFrame(text: Buffer): Buffer {
  const { length } = text;
  if (length < 126) return Buffer.concat([Buffer.from([0x81, length]), text]);
  const header = Buffer.alloc(length < 0x1_0000 ? 4 : 10);
  header[0] = 0x81;
  header[1] = length < 0x1_0000 ? 126 : 127;
  if (length < 0x1_0000) header.writeUInt16BE(length, 2);
  else header.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([header, text]);
}

/** Says that all is told: code 1000. */
export const closingFrame = Buffer.from([0x88, 2, 0x03, 0xe8]);
