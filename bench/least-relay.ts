/**
 * The least that can bring an object of a store to a client of the API: what the store sends is written to TLS as it comes. `least-relay.ts PEM STORE KEY`;
 * prints its port. What it cannot do better than a raw GET on a machine, no server in Node can.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { bareStore } from './bare-store.ts';

const [certificate = '', url = '', key = ''] = process.argv.slice(2);
const signal = AbortSignal.any([]);
const store = await bareStore(url);
const pem = readFileSync(certificate);

async function relay(response: ServerResponse): Promise<void> {
  const { size, body } = await store.stream(key, signal);
  response.writeHead(200, { 'Content-Length': String(size) });
  for await (const piece of body) if (!response.write(piece)) await once(response, 'drain');
  response.end();
}

const server = createServer({ key: pem, cert: pem }, (_, response) => void relay(response));
server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port));
