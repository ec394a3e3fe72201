import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { labelled } from '../../../src/machinery/reading/labelled-pages.ts';
import { matchesLabels, parseLabelSelector } from '../../../src/machinery/reading/labels.ts';

const selectors = ['a=1', 'a!=1', 'a', '!a', 'a in (1,2)', 'b=1', 'a=1,b', 'a=2', 'a=3', 'b=2', 'b=3'].map(parseLabelSelector);
const label = fc.constantFrom('1', '2', '3');
const labels = fc.option(fc.record({ a: label, b: label }, { requiredKeys: [] }), { nil: undefined });

const pageOf = (all: readonly (Record<string, string> | undefined)[]) =>
  all.map((one, index) => ({
    key: { resource: 'r', namespace: 'n', name: String(index) },
    rv: index,
    json: JSON.stringify({ metadata: { name: String(index), labels: one } }),
  }));

it('answers what matches, however often it is asked and for what', () => {
  fc.assert(
    fc.property(fc.array(labels, { maxLength: 30 }), fc.array(fc.constantFrom(...selectors), { maxLength: 30 }), (all, asked) => {
      const page = pageOf(all);
      for (const selector of asked)
        expect(labelled(page, selector)).toEqual(page.filter((_, index) => matchesLabels(selector, all[index])));
    }),
  );
});

it('answers the same array for a small part of a page that it knows, and keeps few of them', () => {
  const page = pageOf(Array.from({ length: 64 }, (_, index) => ({ a: String(index % 16) })));
  const selector = (value: number) => parseLabelSelector(`a=${value}`);
  labelled(page, selector(0));
  const kept = labelled(page, selector(0));
  expect(labelled(page, selector(0))).toBe(kept);
  for (let value = 1; value <= 8; value++) labelled(page, selector(value));
  expect(labelled(page, selector(0))).not.toBe(kept);
  expect(labelled(page, parseLabelSelector('a'))).not.toBe(labelled(page, parseLabelSelector('a')));
});
