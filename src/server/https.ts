/** The HTTPS server: TLS, and on each connection the protocol that its client has chosen. Upgrades come by HTTP/1.1 only. */
import { constants } from 'node:crypto';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:tls';
import type { SecureContextOptions, Server } from 'node:tls';
import type { Log } from '../base/log.ts';
import { createHttp1Server } from './http1.ts';
import { Http2Connections } from './http2.ts';

/** PEM; the certificate may bring its intermediates. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export interface HttpsServer {
  /** Listens, and has the certificate. */
  readonly tls: Server;
  /** Asks those who send many requests by one connection to open another for the next. */
  leave(): void;
  /** Resolves when they have heard it, and all that they had sent before is here. */
  heard(): Promise<void>;
  /** Takes no more connections, and resolves when the last is closed; each closes when it has nothing under way. */
  close(): Promise<void>;
}

/** Client certificates are asked for and not judged: which CA vouches for what is decided in auth/, for each request. */
export function createHttpsServer(certificate: Certificate, app: RequestListener, log: Log): HttpsServer {
  const http1 = createHttp1Server(app);
  const http2 = new Http2Connections(app, log);
  const tls = createServer(
    {
      ...secureContext(certificate),
      ALPNProtocols: ['h2', 'http/1.1'],
      requestCert: true,
      rejectUnauthorized: false,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: 30_000,
    },
    (socket) => (socket.alpnProtocol === 'h2' ? http2.serve(socket) : http1.emit('connection', socket)),
  );
  tls.on('listening', () => http1.emit('listening'));
  tls.on('tlsClientError', (error, socket) => {
    log.debug('TLS handshake failed', { error: error.message });
    socket.destroy();
  });
  return {
    tls,
    leave: () => http2.leave(),
    heard: () => http2.heard(),
    close: () =>
      new Promise((resolve) => {
        tls.close(() => resolve());
        http1.close();
        http2.close();
      }),
  };
}

/** Tickets are off: a resumed session would bring the certificate without the intermediates that lead to its CA. */
export function secureContext({ cert, key }: Certificate): SecureContextOptions {
  return { cert, key, minVersion: 'TLSv1.2', secureOptions: constants.SSL_OP_NO_TICKET };
}
