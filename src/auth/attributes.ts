/** What a request asks for, in terms of access. */
import type { Target } from '../machinery/call.ts';
import { fieldTerms } from '../machinery/reading/fields.ts';
import { parseLabelSelector } from '../machinery/reading/labels.ts';
import type { AccessAttributes, AccessSelector, PathAttributes } from '../machinery/user.ts';

export function attributesOf({ verb, path, resource: target, query }: Target): AccessAttributes | PathAttributes {
  if (!target) return { verb, path };
  const { group, version, resource, subresource, namespace, name } = target;
  return {
    verb,
    group,
    version,
    resource,
    ...(subresource !== undefined && { subresource }),
    ...(namespace !== undefined && { namespace }),
    ...(name !== undefined && { name }),
    ...(selected.has(verb) && selectorsOf(query)),
  };
}

const selected: ReadonlySet<string> = new Set(['list', 'watch', 'deletecollection']);

function selectorsOf(query: URLSearchParams): Pick<AccessAttributes, 'fieldSelector' | 'labelSelector'> {
  const fieldSelector = selectorOf(query.get('fieldSelector'), fieldRequirements);
  const labelSelector = selectorOf(query.get('labelSelector'), labelRequirements);
  return { ...(fieldSelector && { fieldSelector }), ...(labelSelector && { labelSelector }) };
}

type Requirements = AccessSelector['requirements'];

/** One that cannot be read narrows nothing here; the verb refuses it, once it is known who asks. */
function selectorOf(text: string | null, read: (text: string) => Requirements): AccessSelector | undefined {
  if (!text) return undefined;
  try {
    const requirements = read(text);
    return requirements.length > 0 ? { requirements } : undefined;
  } catch {
    return undefined;
  }
}

const fieldRequirements = (text: string): Requirements =>
  fieldTerms(text).map(({ field, equal, value }) => ({ key: field, operator: equal ? 'In' : 'NotIn', values: [value] }));

/** Comparisons of numbers have no form here; without them more is asked for, never less. */
const labelRequirements = (text: string): Requirements =>
  parseLabelSelector(text).flatMap(({ key, operator, values }) => {
    const written = operators[operator];
    return written ? [{ key, operator: written, ...(values.length > 0 && { values }) }] : [];
  });

const operators: Readonly<Record<string, Requirements[number]['operator']>> = {
  in: 'In',
  notin: 'NotIn',
  exists: 'Exists',
  '!': 'DoesNotExist',
};
