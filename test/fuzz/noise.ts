/** What is no request, or breaks off: bytes after which nobody can say where the next request begins. */
import type { Random } from '../simulation/random.ts';
import { bytesOf } from './draft.ts';
import type { Draft } from './draft.ts';

type Noise = (random: Random, draft: Draft) => Buffer;

export const noise = (random: Random, draft: Draft): Buffer => random.pick(noises)(random, draft);

const noises: readonly Noise[] = [anything, rawLine, insert, insert, cut, length, length, encoding, version, preface, twoRequests];

function anything(random: Random): Buffer {
  return Buffer.from(Array.from({ length: random.between(1, 400) }, () => random.below(256)));
}

/** Bytes in the request line that have no place there. */
function rawLine(random: Random, draft: Draft): Buffer {
  const odd = random.pick([
    ' ',
    '\t',
    '\0',
    '\r',
    '\n',
    '\r\n',
    '\x7f',
    '\xff',
    '#',
    '\r\nX-Remote-User: admin',
    ' HTTP/1.1\r\n\r\nGET /x',
  ]);
  const at = random.below(draft.path.length + 1);
  return bytesOf({ ...draft, path: draft.path.slice(0, at) + odd + draft.path.slice(at) });
}

function insert(random: Random, draft: Draft): Buffer {
  const bytes = bytesOf(draft);
  const at = random.below(bytes.length + 1);
  const odd = Buffer.from(random.pick(['\0', '\r', '\n', '\r\n', ':', ' ', '\x80', '\r\n\r\n', '\r\n ', ' :']), 'latin1');
  return Buffer.concat([bytes.subarray(0, at), odd, bytes.subarray(at)]);
}

function cut(random: Random, draft: Draft): Buffer {
  const bytes = bytesOf(draft);
  return bytes.subarray(0, random.between(1, bytes.length - 1));
}

function length(random: Random, draft: Draft): Buffer {
  const said = random.pick(['0', '-1', '+5', '5, 5', '5\r\nContent-Length: 6', '0x5', '1e1', ' ', '', '99999999999999999999', '1000', '3']);
  const headers: Draft['headers'] = [...draft.headers, ['Content-Length', said]];
  return Buffer.concat([bytesOf({ ...draft, headers, body: undefined }), draft.body ?? Buffer.from('xxxxx')]);
}

function encoding(random: Random, draft: Draft): Buffer {
  const said = random.pick([
    'chunked',
    'chunked, chunked',
    'gzip, chunked',
    'identity',
    'xchunked',
    'chunked\r\nContent-Length: 5',
    ' chunked',
  ]);
  const headers: Draft['headers'] = [...draft.headers, ['Transfer-Encoding', said]];
  const chunks = random.pick([
    '0\r\n\r\n',
    '5\r\nxxxxx\r\n0\r\n\r\n',
    'zz\r\n',
    '-5\r\n',
    'ffffffffffffffffff\r\nx',
    '5;a=b\r\nxxxxx\r\n0\r\nX-Remote-User: admin\r\n\r\n',
    '5\nxxxxx\n0\n\n',
    '',
  ]);
  return Buffer.concat([bytesOf({ ...draft, headers, body: undefined }), Buffer.from(chunks)]);
}

function version(random: Random, draft: Draft): Buffer {
  const said = random.pick(['HTTP/0.9', 'HTTP/1.0', 'HTTP/1.2', 'HTTP/2.0', 'HTTP/9', 'http/1.1', 'HTTPS/1.1', 'ICE/1.0', '']);
  return Buffer.from(bytesOf(draft).toString('latin1').replace('HTTP/1.1', said), 'latin1');
}

function preface(random: Random): Buffer {
  return Buffer.from(
    random.pick([
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0',
      'CONNECT localhost:1 HTTP/1.1\r\nHost: x\r\n\r\n',
      'OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n',
      'GET / HTTP/1.1\r\n\r\n',
      '\r\n\r\nGET /livez HTTP/1.1\r\nHost: x\r\n\r\n',
      '\x16\x03\x01',
    ]),
  );
}

/** Both are to be answered, in their order. */
function twoRequests(_: Random, draft: Draft): Buffer {
  return Buffer.concat([bytesOf(draft), bytesOf({ ...draft, method: 'GET', path: '/livez', query: [], headers: [], body: undefined })]);
}
