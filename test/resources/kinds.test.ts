import { describe, expect, it } from 'vitest';
import { defineResource } from '../../src/machinery/resource.ts';
import type { ResourceDefinition } from '../../src/machinery/resource.ts';
import type { TSchema } from '../../src/machinery/schema.ts';
import { kylonResources, playgroundResources } from '../../src/resources/resources.ts';

interface Node {
  readonly description?: string;
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly additionalProperties?: Node;
  readonly items?: Node;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
}

function fieldsBelow(path: string, schema: Node): [string, Node][] {
  const children = [
    ...Object.entries(schema.properties ?? {}).map(([name, child]): [string, Node] => [`${path}.${name}`, child]),
    ...(schema.items ? [[`${path}[]`, schema.items] as [string, Node]] : []),
    ...(schema.additionalProperties ? [[`${path}{}`, schema.additionalProperties] as [string, Node]] : []),
  ];
  return [[path, schema], ...children.flatMap(([name, child]) => fieldsBelow(name, child))];
}

const allFields = (definition: ResourceDefinition) =>
  [
    ...Object.entries(definition.fields),
    ...definition.subresources.flatMap((sub): [string, TSchema][] =>
      Object.entries(sub.fields ?? {}).map(([name, schema]) => [`${sub.name}:${name}`, schema]),
    ),
  ].flatMap(([name, schema]) => fieldsBelow(`${definition.kind}.${name}`, schema as Node));

const everyKind = [...kylonResources, ...playgroundResources].map((definition) => [definition.kind, definition] as const);

describe('the fields of Kylon', () => {
  const fields = kylonResources.flatMap(allFields);

  it('are all there', () => {
    expect(fields.length).toBeGreaterThan(100);
    const names = fields.map(([name]) => name);
    for (const name of ['Backup.spec.ttl', 'Backup.status.archive.sha256', 'Restore.spec.items[].name', 'Restore.status.counts.unchanged'])
      expect(names).toContain(name);
  });

  it('each have a description that ends as a sentence, and a type or take any value', () => {
    expect(
      fields
        .filter(([, { description = '' }]) => !/^[A-Z*].{4,}\.$/s.test(description))
        .map(([name, { description }]) => `${name}: ${description}`),
    ).toEqual([]);
    const isOpen = (schema: Node) => schema.type === undefined && !schema['x-kubernetes-preserve-unknown-fields'];
    expect(fields.filter(([, schema]) => isOpen(schema)).map(([name]) => name)).toEqual([]);
  });

  it('have no name that YAML 1.1 reads as a boolean', () => {
    expect(fields.filter(([name]) => /\.(y|n|yes|no|on|off)$/i.test(name))).toEqual([]);
  });
});

describe.each(everyKind)('%s', (_, definition) => {
  it('says of itself what clients ask for', () => {
    expect(definition.description).toMatch(/\.$/);
    expect(definition.singular).toBe(definition.kind.toLowerCase());
    for (const column of definition.columns) expect(column.description, column.name).toMatch(/\.$/);
    for (const sub of definition.subresources) expect(sub.description, sub.name).toMatch(/\.$/);
    expect(definition.statusSubresource).toBe('status' in definition.fields);
  });

  it('shows something in every column even of an empty object', () => {
    const empty = { apiVersion: 'v1', kind: definition.kind, metadata: { name: 'a' } };
    const cells = definition.columns.map(({ value }) => (typeof value === 'function' ? value(empty) : undefined));
    for (const cell of cells) expect(['string', 'number', 'boolean', 'undefined']).toContain(typeof cell);
  });
});

describe('the names of kinds', () => {
  it.each([
    ['plurals', (definition: ResourceDefinition) => [`${definition.plural}.${definition.group}`]],
    ['short names', (definition: ResourceDefinition) => definition.shortNames],
  ])('%s are each used once', (_, namesOf) => {
    const names = everyKind.flatMap(([, definition]) => namesOf(definition));
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  it('of Kylon are in the category kylon, and never in all', () => {
    for (const { categories, namespaced } of kylonResources) expect(categories).toEqual(namespaced ? ['kylon'] : []);
  });
});

describe('everyday kinds', () => {
  const kind = (name: string) => playgroundResources.find((definition) => definition.kind === name) ?? defineResource(never());
  const never = (): never => {
    throw new Error('no such kind');
  };
  const user = { name: 'ann', groups: [], extra: {} };
  const cellsOf = (name: string, object: object) =>
    kind(name).columns.map(({ value }) =>
      typeof value === 'function' ? value({ apiVersion: 'v1', kind: name, metadata: { name: 'a' }, ...object }) : value,
    );

  it('make a new namespace active', () => {
    const made = kind('Namespace').rules.prepareForCreate?.(
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'a', labels: { x: '1' } } },
      user,
    );
    expect(made).toMatchObject({
      metadata: { labels: { x: '1', 'kubernetes.io/metadata.name': 'a' }, finalizers: ['kubernetes'] },
      status: { phase: 'Active' },
    });
  });

  it('keep the text of a Secret in base64', () => {
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a' }, data: { a: 'b2xk', b: 'Yg==' }, stringData: { a: 'new' } };
    const { rules } = kind('Secret');
    for (const made of [rules.prepareForCreate?.(secret, user), rules.prepareForUpdate?.(secret, secret, user)]) {
      expect(made).toMatchObject({ type: 'Opaque', data: { a: 'bmV3', b: 'Yg==' } });
      expect(made).not.toHaveProperty('stringData');
    }
  });

  it.each([
    [
      'Deployment',
      { spec: { replicas: 3 }, status: { readyReplicas: 2, updatedReplicas: 3 } },
      ['2/3', 3, 0, '<none>', '<none>', '<none>'],
    ],
    [
      'Pod',
      { spec: { containers: [{}, {}] }, status: { phase: 'Running', containerStatuses: [{ ready: true, restartCount: 4 }] } },
      ['1/2', 'Running', 4, '<none>', '<none>'],
    ],
    [
      'Job',
      {
        status: {
          succeeded: 1,
          startTime: '2026-01-01T00:00:00Z',
          completionTime: '2026-01-01T00:00:07Z',
          conditions: [{ type: 'Complete', status: 'True' }],
        },
      },
      ['Complete', '1/1', '7s', '<none>', '<none>', '<none>'],
    ],
    [
      'Service',
      { spec: { type: 'LoadBalancer', clusterIP: '10.0.0.1', ports: [{ port: 80, nodePort: 30080 }], selector: { app: 'web' } } },
      ['LoadBalancer', '10.0.0.1', '<pending>', '80:30080/TCP', 'app=web'],
    ],
    ['Ingress', { spec: { rules: [{ host: 'a.example' }], tls: [{}] } }, ['<none>', 'a.example', '', '80, 443']],
  ])('show a %s as kubectl does', (name, object, cells) => {
    expect(cellsOf(name, object)).toEqual(cells);
  });
});
