/** Which objects of a resource a request is about: by label, by field, by name. */
import { fieldText, matchesFields, parseFieldSelector } from './fields.ts';
import { labelled } from './labelled-pages.ts';
import { matchesLabels, mayMatch, parseLabelSelector } from './labels.ts';
import { hiddenFrom } from './namespace-cleanup.ts';
import type { KubeObject } from '../object.ts';
import type { ResourceCall } from '../resource.ts';
import type { ObjectKey, Stored } from '../storage.ts';

export interface Selection {
  /** True: every object; nobody needs to look. */
  readonly all: boolean;
  keeps(key: ObjectKey, json: string): boolean;
  /** Those of a page that it keeps. */
  from(page: readonly Stored[]): readonly Stored[];
}

const everything: Selection = { all: true, keeps: () => true, from: (page) => page };

const keyFields: readonly string[] = ['metadata.name', 'metadata.namespace'];

/** Throws ApiError 400. */
export function selectionOf(call: ResourceCall): Selection {
  const { query, definition, resource } = call;
  const labels = parseLabelSelector(query.get('labelSelector') ?? '');
  const fields = parseFieldSelector(query.get('fieldSelector') ?? '', [...keyFields, ...definition.selectableFields]);
  const isHidden = hiddenFrom(call);
  const byKey = fields.filter(({ field }) => keyFields.includes(field));
  const byContent = fields.filter(({ field }) => !keyFields.includes(field));
  if (labels.length + fields.length === 0 && resource.name === undefined && !isHidden) return everything;
  const keepsKey = (key: ObjectKey) =>
    (resource.name === undefined || key.name === resource.name) &&
    matchesFields(byKey, (field) => (field === 'metadata.name' ? key.name : key.namespace));
  const canKeep = mayMatch(labels);
  const keepsContent = (json: string) => {
    if (!canKeep(json)) return false;
    const object = JSON.parse(json) as KubeObject;
    if (isHidden?.(object)) return false;
    return matchesLabels(labels, object.metadata.labels) && matchesFields(byContent, (field) => fieldText(object, field));
  };
  const contentMatters = labels.length + byContent.length > 0 || isHidden !== undefined;
  const keeps = (key: ObjectKey, json: string) => keepsKey(key) && (!contentMatters || keepsContent(json));
  const isByLabel = labels.length > 0 && fields.length === 0 && resource.name === undefined && isHidden === undefined;
  const from = isByLabel
    ? (page: readonly Stored[]) => labelled(page, labels)
    : (page: readonly Stored[]) => page.filter(({ key, json }) => keeps(key, json));
  return { all: false, keeps, from };
}
