import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { humanDuration, steadyWhileGrowing, steadyWhileShrinking } from '../../../src/machinery/views/human-duration.ts';
import { negotiate } from '../../../src/machinery/views/negotiate.ts';
import { api, callOf, pages, shown, textOf, thing, things } from '../sample.ts';

const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io';
const asked = (shape: 'object' | 'list' | 'watch', query = '', of = accept) =>
  negotiate(api, callOf({ accept: of, query: new URLSearchParams(query) }), shape);

const columnDefinitions = [
  {
    name: 'Name',
    type: 'string',
    format: 'name',
    description: 'Name of the object, unique among those of its kind in its namespace.',
    priority: 0,
  },
  { name: 'Color', type: 'string', format: '', description: 'Its color.', priority: 0 },
  { name: 'Until', type: 'date', format: '', description: 'When it ends.', priority: 0 },
  { name: 'Age', type: 'date', format: '', description: 'Time since the object was created.', priority: 0 },
  { name: 'Wide', type: 'integer', format: '', description: 'Its width.', priority: 1 },
];

const full = thing('a', { color: 'red', width: 3, until: '2026-03-03T12:00:00Z' });
const row = {
  cells: ['a', 'red', '2d', '5m', 3],
  object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: { ...full.metadata, resourceVersion: '7' } },
};

describe('a Table', () => {
  it('of one object', () => {
    expect(JSON.parse(asked('object').object(things, shown(full, 7)))).toEqual({
      kind: 'Table',
      apiVersion: 'meta.k8s.io/v1',
      metadata: { resourceVersion: '7' },
      columnDefinitions,
      rows: [row],
    });
  });

  it('of what a dry run would have made has no number', () => {
    expect(JSON.parse(asked('object').object(things, shown(full, 0)))).toMatchObject({
      metadata: {},
      rows: [{ object: { metadata: full.metadata } }],
    });
  });

  it('of a list', async () => {
    const text = await textOf(asked('list').list(things, { resourceVersion: '12', continue: 'more' }, pages([shown(full, 7)])));
    expect(JSON.parse(text)).toEqual({
      kind: 'Table',
      apiVersion: 'meta.k8s.io/v1',
      metadata: { resourceVersion: '12', continue: 'more' },
      columnDefinitions,
      rows: [row],
    });
  });

  it('tells ages as they are when it is asked for, though what it showed before is kept', async () => {
    const page = [shown(full, 7)];
    let now = Date.parse(full.metadata.creationTimestamp ?? '');
    const later = { ...api, clock: { ...api.clock, now: () => now } };
    const call = callOf({ accept });
    const ages: unknown[] = [];
    for (const ms of [0, 999, 1, 9 * 60_000, 59_999, 1, 0]) {
      now += ms;
      const text = await textOf(negotiate(later, call, 'list').list(things, { resourceVersion: '12' }, pages(page)));
      ages.push((JSON.parse(text) as { rows: { cells: unknown[] }[] }).rows[0]?.cells[3]);
    }
    expect(ages).toEqual(['0s', '0s', '1s', '9m1s', '10m', '10m', '10m']);
  });

  it('of nothing has columns', async () => {
    const text = await textOf(asked('list').list(things, { resourceVersion: '12' }, pages()));
    expect(JSON.parse(text)).toMatchObject({ columnDefinitions, rows: [] });
  });

  it('is of the version that was asked for', () => {
    const text = asked('object', '', accept.replace('v=v1', 'v=v1beta1')).object(things, shown(full, 7));
    expect(JSON.parse(text)).toMatchObject({
      apiVersion: 'meta.k8s.io/v1beta1',
      rows: [{ object: { apiVersion: 'meta.k8s.io/v1beta1' } }],
    });
  });

  it.each([
    ['', row.object],
    ['includeObject=Metadata', row.object],
    ['includeObject=None', null],
    ['includeObject=Object', { ...full, metadata: { ...full.metadata, resourceVersion: '7' } }],
  ])('?%s decides what goes with a row', (query, object) => {
    expect((JSON.parse(asked('object', query).object(things, shown(full, 7))) as { rows: { object: unknown }[] }).rows[0]?.object).toEqual(
      object,
    );
  });

  it('refuses to include anything else', () => {
    expect(() => asked('list', 'includeObject=All')).toThrow(
      expect.objectContaining({
        code: 400,
        message: expect.stringMatching(/^Unable to convert to Table as requested: includeObject: .*"All"/),
      }),
    );
  });

  it.each([
    [{ until: 'soon' }, {}, ['a', null, '<invalid>', '5m', null]],
    [{}, { creationTimestamp: undefined }, ['a', null, null, '<unknown>', null]],
    [{ color: { r: 1 } }, { creationTimestamp: '2026-03-01T12:00:05Z' }, ['a', null, null, '<invalid>', null]],
    [{ until: '2026-03-01T11:00:00Z' }, {}, ['a', null, '60m', '5m', null]],
  ])('of what is not as it should be: %j %j', (spec, metadata, cells) => {
    expect(
      (JSON.parse(asked('object').object(things, shown(thing('a', spec, metadata), 7))) as { rows: { cells: unknown }[] }).rows[0]?.cells,
    ).toEqual(cells);
  });

  it('in a watch tells its columns once', () => {
    const writer = asked('watch').events(things);
    const first = JSON.parse(String(writer.event('ADDED', shown(full, 7)))) as object;
    const second = JSON.parse(String(writer.event('MODIFIED', shown(full, 8)))) as object;
    expect(first).toMatchObject({ type: 'ADDED', object: { columnDefinitions, rows: [{ cells: row.cells }] } });
    expect(second).toMatchObject({ type: 'MODIFIED', object: { columnDefinitions: null, metadata: { resourceVersion: '8' } } });
    const annotations = { 'k8s.io/initial-events-end': 'true' };
    expect(JSON.parse(writer.bookmark(9, true))).toEqual({
      type: 'BOOKMARK',
      object: {
        kind: 'Table',
        apiVersion: 'meta.k8s.io/v1',
        metadata: { resourceVersion: '9' },
        columnDefinitions: null,
        rows: [
          {
            cells: [null, null, null, null, null],
            object: {
              kind: 'PartialObjectMetadata',
              apiVersion: 'meta.k8s.io/v1',
              metadata: { resourceVersion: '9', creationTimestamp: null, annotations },
            },
          },
        ],
      },
    });
  });
});

describe('humanDuration', () => {
  const [second, minute, hour, day] = [1000, 60_000, 3_600_000, 86_400_000];
  it.each([
    [-2 * second, '<invalid>'],
    [-1999, '0s'],
    [0, '0s'],
    [119_999, '119s'],
    [2 * minute, '2m'],
    [2 * minute + second, '2m1s'],
    [10 * minute - 1, '9m59s'],
    [10 * minute + 30 * second, '10m'],
    [3 * hour - 1, '179m'],
    [3 * hour, '3h'],
    [7 * hour + 59 * minute, '7h59m'],
    [8 * hour + 59 * minute, '8h'],
    [2 * day - 1, '47h'],
    [2 * day, '2d'],
    [7 * day + 5 * hour, '7d5h'],
    [8 * day + 5 * hour, '8d'],
    [2 * 365 * day - 1, '729d'],
    [2 * 365 * day, '2y'],
    [3 * 365 * day + day, '3y1d'],
    [8 * 365 * day + 300 * day, '8y'],
  ])('%d ms is %s', (ms, text) => {
    expect(humanDuration(ms)).toBe(text);
  });

  const span = fc.oneof(
    fc.integer({ min: -5 * second, max: 15 * minute }),
    fc.integer({ min: 0, max: 9 * hour }),
    fc.integer({ min: 0, max: 9 * 365 * day }),
  );

  it('stays, while a span grows, until the moment that is told', () => {
    fc.assert(
      fc.property(span, fc.nat(), (ms, part) => {
        const steady = steadyWhileGrowing(ms);
        expect(humanDuration(ms + (part % steady))).toBe(humanDuration(ms));
        expect(humanDuration(ms + steady - 1)).toBe(humanDuration(ms));
        if (ms < 8 * 365 * day - day) expect(humanDuration(ms + steady)).not.toBe(humanDuration(ms));
      }),
    );
  });

  it('stays, while a span shrinks, until the moment that is told', () => {
    fc.assert(
      fc.property(
        span.filter((ms) => ms >= 0),
        fc.nat(),
        (ms, part) => {
          const steady = steadyWhileShrinking(ms);
          expect(humanDuration(ms - (part % steady))).toBe(humanDuration(ms));
          if (ms >= second && ms < 8 * 365 * day) expect(humanDuration(ms - steady)).not.toBe(humanDuration(ms));
        },
      ),
    );
  });
});
