/** Every connection of a server, also those that TLS has not opened yet: Node closes the others only, and waits for these. */
import type { Socket } from 'node:net';
import type { Server } from 'node:tls';

/** As of now, for as long as the server runs. */
export function connectionsOf(server: Server): ReadonlySet<Socket> {
  const open = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
  });
  return open;
}
