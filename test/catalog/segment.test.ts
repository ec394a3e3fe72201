import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { effectOf, firstHead } from '../../src/catalog/state/apply.ts';
import { digestText } from '../../src/catalog/state/digest.ts';
import { CatalogFault } from '../../src/catalog/fault.ts';
import type { LogRecord } from '../../src/catalog/log/record.ts';
import { encodeRecords } from '../../src/catalog/log/record.ts';
import { openSegment, sealSegment, sha256 } from '../../src/catalog/log/segment.ts';

const document = readFileSync(join(import.meta.dirname, '../../docs/format.md'), 'utf8');
const example = Buffer.from((/segment\.test\.ts[^]*?```hex\n([^`]*)```/.exec(document)?.[1] ?? '').replaceAll('\n', ''), 'hex');

const domain = 'f2b1c0de-0000-4000-8000-000000000000';
const place = { domain, n: 1 };
const nightly = { resource: 'backups.backup.kylon.io', namespace: 'team-a', name: 'nightly' };
const event = { resource: 'events', namespace: '', name: 'x:1' };
const textOf = (ttl: string) =>
  `{"apiVersion":"backup.kylon.io/v1alpha1","kind":"Backup","metadata":{"name":"nightly","namespace":"team-a"},"spec":{"ttl":"${ttl}"}}`;
const records: readonly LogRecord[] = [
  { op: 'create', key: nightly, prev: 0, json: textOf('24h') },
  { op: 'update', key: nightly, prev: 2, json: textOf('48h') },
  { op: 'create', key: event, prev: 0, json: '{"n":1.0}' },
  { op: 'delete', key: event, prev: 4, json: '' },
];
const draft = {
  domain,
  n: 1,
  prev: '0'.repeat(64),
  firstRV: 2,
  attempt: '000102030405060708090a0b0c0d0e0f',
  writer: { replica: 'kylon-0', boot: '1122334455667788' },
  time: '2026-11-21T00:00:00.000Z',
  features: { read: [], write: [] },
  digest: '0'.repeat(64),
};

const faultOf = async (bytes: Uint8Array) => {
  try {
    await openSegment(bytes, 'the-object', place);
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(CatalogFault);
    expect(error).toMatchObject({ message: expect.stringMatching(/^the-object: /) });
    return (error as Error).message;
  }
};

describe('the format of a segment', () => {
  it('is that of the example in the document', async () => {
    expect(example).toHaveLength(762);
    expect(document).toContain(sha256(example));
    const opened = await openSegment(example, 'example', place);
    expect(opened.records).toEqual(records);
    expect(opened.hash).toBe(sha256(example));
    const { head } = effectOf(firstHead, opened, () => undefined);
    expect(head).toMatchObject({ n: 1, rv: 5, hash: sha256(example) });
    expect(document).toContain(`of the next segment is \`${digestText(head.digest)}\``);
  });

  it('is written with what is in the example, a small body as it is', async () => {
    const { bytes } = await sealSegment(draft, records);
    const written = await openSegment(bytes, 'written', place);
    const { header, ...rest } = await openSegment(example, 'example', place);
    expect(written.records).toEqual(rest.records);
    expect(written.header).toEqual({ ...header, sha256: written.header.sha256 });
    const body = encodeRecords(records);
    expect(
      Buffer.from(bytes)
        .subarray(-body.length - 5)
        .toString('latin1'),
    ).toBe(`\x01\x83\x02\x7c\xfd${body}`);
  });

  it.each([
    [4096, 4096 + 5],
    [4097, 200],
  ])('keeps a body of %d bytes in %d at most', async (length, most) => {
    const [first] = records as [LogRecord];
    const ofLength = (json: string) => [{ ...first, json }];
    const spare = length - Buffer.byteLength(encodeRecords(ofLength('{"a":""}')));
    const some = ofLength(`{"a":"${'x'.repeat(spare)}"}`);
    const { bytes } = await sealSegment(draft, some);
    const { header, records: read } = await openSegment(bytes, 'object', place);
    expect(header.rawLen).toBe(length);
    expect(read).toEqual(some);
    const bodyStart = 40 + Buffer.from(bytes).readUInt32BE(4);
    expect(bytes.length - bodyStart).toBeLessThanOrEqual(most);
    expect(bytes.length - bodyStart > length).toBe(most > length);
  });

  it('shows its header and body in the document', async () => {
    const header = example.subarray(40, 40 + example.readUInt32BE(4)).toString();
    expect(document).toContain(`\n${header}\n`);
    for (const line of ['"prev":2,"object":', '{"op":"delete","resource":"events","namespace":"","name":"x:1","prev":4}'])
      expect(document).toContain(line);
  });
});

describe('a damaged segment', () => {
  it('is noticed whichever byte is wrong', async () => {
    for (let at = 0; at < example.length; at++) {
      const damaged = Buffer.from(example);
      damaged[at] = (damaged[at] ?? 0) ^ (1 << (at % 8));
      expect(await faultOf(damaged), `byte ${at}`).toBeDefined();
    }
  });

  it('is noticed wherever it is cut off, and when something hangs on', async () => {
    for (let length = 0; length < example.length; length++)
      expect(await faultOf(example.subarray(0, length)), `${length} bytes`).toBeDefined();
    expect(await faultOf(Buffer.concat([example, Buffer.from('x')]))).toContain('its body does not have the hash');
  });

  it('is told by what is wrong', async () => {
    expect(await faultOf(Buffer.from('nonsense'))).toContain('does not begin with KYL1');
    expect(await faultOf(example.subarray(0, 20))).toContain('cut off in its first bytes');
    expect(await faultOf(example.subarray(0, 100))).toContain('cut off in its header');
    expect(await faultOf(example.subarray(0, 700))).toContain('its body does not have the hash');
  });
});

describe('a segment that is whole, and wrong', () => {
  it('is refused in another place', async () => {
    expect(await faultOf((await sealSegment({ ...draft, domain: 'other' }, records)).bytes)).toContain(
      `belongs to domain other, not ${domain}`,
    );
    expect(await faultOf((await sealSegment({ ...draft, n: 2 }, records)).bytes)).toContain('is segment 2, not 1');
  });

  it('is refused when it needs a feature that is not known', async () => {
    expect(await faultOf((await sealSegment({ ...draft, features: { read: ['zstd'], write: [] } }, records)).bytes)).toContain(
      'does not know: zstd',
    );
    expect(await faultOf((await sealSegment({ ...draft, features: { read: [], write: ['zstd'] } }, records)).bytes)).toBeUndefined();
  });
});
