/** What a client sees when it creates. */
import { describe, expect, it } from 'vitest';
import { decode } from '../../../src/machinery/encode.ts';
import { emptyNumber } from '../../../src/machinery/storage.ts';
import { kylonUser } from '../../../src/machinery/user.ts';
import { nth } from '../../conformance/storage-samples.ts';
import { createServer, thingPath } from '../toys.ts';

const thing = (name: string, more: object = {}) => ({ apiVersion: 'example.io/v1', kind: 'Thing', metadata: { name }, ...more });

describe('create', () => {
  it('answers 201 with the object, completed by the server', async () => {
    const { request, storage } = createServer();
    const body = {
      metadata: {
        name: 'x',
        labels: { l: '1' },
        uid: 'mine',
        creationTimestamp: null,
        deletionTimestamp: '2020-01-01T00:00:00Z',
        generation: 7,
        selfLink: '/x',
        managedFields: [{ manager: 'm' }],
      },
      spec: { size: 3 },
      status: { phase: 'Mine' },
    };
    const { code, object, headers } = await request('POST', thingPath, { body });
    expect(code).toBe(201);
    expect(headers['Content-Type']).toBe('application/json');
    expect(object).toEqual({
      apiVersion: 'example.io/v1',
      kind: 'Thing',
      metadata: {
        name: 'x',
        namespace: 'a',
        uid: expect.stringMatching(/^[0-9a-f-]{36}$/),
        resourceVersion: String(nth(1)),
        generation: 1,
        creationTimestamp: '2026-01-02T03:04:05Z',
        labels: { l: '1' },
      },
      spec: { size: 3, mode: 'Fast' },
    });
    expect(object.metadata.uid).not.toBe('mine');
    expect((await request('GET', `${thingPath}/x`)).object).toEqual(object);
    expect(storage.current()).toBe(nth(1));
  });

  it('says AlreadyExists, also of an object that is going', async () => {
    const { request } = createServer();
    await request('POST', thingPath, { body: { metadata: { name: 'x', finalizers: ['example.io/f'] } } });
    const again = await request('POST', thingPath, { body: thing('x') });
    expect(again.status).toMatchObject({ code: 409, reason: 'AlreadyExists', message: 'things.example.io "x" already exists' });
    await request('DELETE', `${thingPath}/x`);
    const late = await request('POST', thingPath, { body: thing('x') });
    expect(late.status).toMatchObject({ code: 409, message: 'object is being deleted: things.example.io "x" already exists' });
    expect((await request('POST', `${thingPath}?dryRun=All`, { body: thing('x') })).code).toBe(409);
  });

  it.each([
    [{ metadata: { name: 'x', resourceVersion: '5' } }, 'resourceVersion should not be set on objects to be created'],
    [{ metadata: { name: 'x', namespace: 'b' } }, 'the namespace of the provided object does not match the namespace sent on the request'],
    [
      { apiVersion: 'a/v2', metadata: { name: 'x' } },
      'the API version in the data (a/v2) does not match the expected API version (example.io/v1)',
    ],
    [{ kind: 'Other', metadata: { name: 'x' } }, 'the kind in the data (Other) does not match the expected kind (Thing)'],
    [[], "the object provided is unrecognized (must be of type Thing): couldn't get version/kind; it is not a JSON object"],
    [
      { metadata: { name: 'x', labels: { a: 1 } } },
      'Thing in version "v1" cannot be handled as a Thing: metadata.labels.a in body must be of type string: "integer"',
    ],
  ])('refuses %j with 400', async (body, message) => {
    const { request, storage } = createServer();
    expect((await request('POST', thingPath, { body })).status).toMatchObject({ code: 400, reason: 'BadRequest', message });
    expect(storage.current()).toBe(emptyNumber);
  });

  it('takes resourceVersion 0 as none', async () => {
    const { request } = createServer();
    const { object } = await request('POST', thingPath, { body: { metadata: { name: 'x', resourceVersion: '0' } } });
    expect(object.metadata.resourceVersion).toBe(String(nth(1)));
  });

  it('refuses a namespace in an object of the whole cluster', async () => {
    const { request } = createServer();
    expect((await request('POST', '/api/v1/planets', { body: { metadata: { name: 'p', namespace: 'a' } } })).code).toBe(400);
    const made = (await request('POST', '/api/v1/planets', { body: { metadata: { name: 'p' }, data: { a: 'b' }, status: 'kept' } })).object;
    expect(made).toMatchObject({ metadata: { name: 'p' }, data: { a: 'b' }, status: 'kept' });
    expect(made.metadata).not.toHaveProperty('generation');
    expect(made.metadata).not.toHaveProperty('namespace');
  });

  it.each([
    [{}, 'metadata.name: Required value: name or generateName is required', 'FieldValueRequired'],
    [{ name: 'X' }, /^metadata.name: Invalid value: "X": a lowercase RFC 1123 subdomain must consist of/, 'FieldValueInvalid'],
    [{ name: 'x', generateName: 'a.' }, /^metadata.generateName: Invalid value: "a.": a lowercase RFC 1123 subdomain/, 'FieldValueInvalid'],
    [{ name: 'x', labels: { 'a b': 'c' } }, /^metadata.labels: Invalid value: "a b": name part must consist of/, 'FieldValueInvalid'],
    [{ name: 'x', labels: { a: '-' } }, /^metadata.labels: Invalid value: "-": a valid label must be/, 'FieldValueInvalid'],
    [
      { name: 'x', annotations: { a: 'x'.repeat(262_144) } },
      'metadata.annotations: Too long: may not be more than 262144 bytes',
      'FieldValueTooLong',
    ],
    [
      { name: 'x', finalizers: ['a/b/c'] },
      /^metadata.finalizers: Invalid value: "a\/b\/c": a qualified name must consist of/,
      'FieldValueInvalid',
    ],
    [
      { name: 'x', ownerReferences: [{ apiVersion: 'v1', kind: 'A', name: 'a', uid: '' }] },
      'metadata.ownerReferences.uid: Invalid value: "": must not be empty',
      'FieldValueInvalid',
    ],
    [
      { name: 'x', ownerReferences: [{ apiVersion: 'a/b/c', kind: 'A', name: 'a', uid: 'u' }] },
      'metadata.ownerReferences.apiVersion: Invalid value: "a/b/c": version must not be empty',
      'FieldValueInvalid',
    ],
    [
      {
        name: 'x',
        ownerReferences: ['1', '2'].map((uid) => ({ apiVersion: 'v1', kind: 'A', name: `n${uid}`, uid, controller: true })),
      },
      /Only one reference can have Controller set to true. Found "true" in references for A\/n1 and A\/n2$/,
      'FieldValueInvalid',
    ],
  ])('refuses the metadata %j with 422', async (metadata, message, reason) => {
    const { request } = createServer();
    const { status } = await request('POST', thingPath, { body: { metadata } });
    expect(status).toMatchObject({ code: 422, reason: 'Invalid', details: { group: 'example.io', kind: 'Thing', causes: [{ reason }] } });
    const name = 'name' in metadata ? metadata.name : '';
    const prefix = `Thing.example.io "${name}" is invalid: `;
    expect(status.message).toContain(prefix);
    expect(status.message?.slice(prefix.length)).toMatch(message);
  });

  it.each([
    [{ size: 'x' }, 'spec.size: Invalid value: "string": spec.size in body must be of type integer: "string"'],
    [{ ttl: 5 }, 'spec.ttl: Invalid value: "integer": spec.ttl in body must be of type string: "integer"'],
    [{ size: 11 }, 'spec.size: Invalid value: 11: spec.size in body should be less than or equal to 10'],
    [{ size: 0 }, 'spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1'],
    [{ mode: 'x' }, 'spec.mode: Unsupported value: "x": supported values: "Fast", "Slow"'],
    [{ ttl: 'x' }, /^spec.ttl: Invalid value: "x": spec.ttl in body should match '\^\(\[0-9\]\+/],
    [{ code: 'a' }, 'spec.code: Invalid value: "a": spec.code in body should be at least 2 chars long'],
    [{ code: 'abcde' }, 'spec.code: Too long: may not be more than 4 bytes'],
    [{ at: 'x' }, 'spec.at: Invalid value: "x": spec.at in body must be of type date-time: "x"'],
    [{ items: [{ name: 'a' }, {}] }, 'spec.items[1].name: Required value'],
    [
      { items: [{ name: 5 }] },
      'spec.items[0].name: Invalid value: "integer": spec.items[0].name in body must be of type string: "integer"',
    ],
    [{ items: [1, 2, 3, 4].map((n) => ({ name: `${n}` })) }, 'spec.items: Too many: 4: must have at most 3 items'],
    [{ tags: { a: 1 } }, 'spec.tags.a: Invalid value: "integer": spec.tags.a in body must be of type string: "integer"'],
    [{ size: 11, code: 'a' }, /^\[spec.size: .*10, spec.code: .*chars long\]$/],
  ])('refuses the spec %j with 422', async (spec, message) => {
    const { request, storage } = createServer();
    const { status } = await request('POST', thingPath, { body: thing('x', { spec }) });
    expect(status).toMatchObject({ code: 422, reason: 'Invalid' });
    const prefix = 'Thing.example.io "x" is invalid: ';
    if (typeof message === 'string') expect(status.message).toBe(prefix + message);
    else expect(status.message?.slice(prefix.length)).toMatch(message);
    expect(storage.current()).toBe(emptyNumber);
  });

  describe('with fields that the kind does not know', () => {
    const body = thing('x', { extra: 1, spec: { x: 1, items: [{ name: 'a', y: 2 }], free: { anything: { goes: null } }, size: null } });
    const problems = ['extra', 'spec.x', 'spec.items[0].y'].map((path) => `unknown field "${path}"`);

    it('warns of each and prunes them', async () => {
      const { request } = createServer();
      const { object, warnings } = await request('POST', thingPath, { body });
      expect(warnings).toEqual(problems);
      expect(object['extra']).toBeUndefined();
      expect(object.spec).toEqual({ items: [{ name: 'a' }], free: { anything: { goes: null } }, mode: 'Fast' });
    });

    it('refuses them under Strict, duplicates too', async () => {
      const { request } = createServer();
      const strict = `${thingPath}?fieldValidation=Strict`;
      const prefix = 'Thing in version "v1" cannot be handled as a Thing: strict decoding error: ';
      expect((await request('POST', strict, { body })).status).toMatchObject({ code: 400, message: prefix + problems.join(', ') });
      const twice = '{"metadata":{"name":"x"},"spec":{"size":1,"items":[{"name":"a"},{"name":"b","name":"c"}],"size":2}}';
      expect((await request('POST', strict, { body: twice })).status.message).toBe(
        `${prefix}duplicate field "spec.items[1].name", duplicate field "spec.size"`,
      );
    });

    it('tells of duplicates in YAML too', async () => {
      const { request } = createServer();
      const yaml = { body: 'metadata:\n  name: y\nspec:\n  size: 1\n  size: 2\n', type: 'application/yaml' };
      expect((await request('POST', `${thingPath}?fieldValidation=Strict`, yaml)).status).toMatchObject({
        code: 400,
        message: 'Thing in version "v1" cannot be handled as a Thing: strict decoding error: duplicate field "spec.size"',
      });
      const { object, warnings } = await request('POST', thingPath, yaml);
      expect([warnings, object.spec]).toEqual([['duplicate field "spec.size"'], { size: 2, mode: 'Fast' }]);
    });

    it('says nothing under Ignore', async () => {
      const { request } = createServer();
      const { code, warnings } = await request('POST', `${thingPath}?fieldValidation=Ignore`, { body });
      expect([code, warnings]).toEqual([201, []]);
    });
  });

  it.each([
    ['dryRun=', 'dryRun: Unsupported value: "": supported values: "All"'],
    ['dryRun=All&dryRun=x', 'dryRun: Unsupported value: "x": supported values: "All"'],
    ['dryRun=x', 'CreateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: "x": supported values: "All"'],
    ['fieldValidation=x', 'fieldValidation: Unsupported value: "x": supported values: "", "Ignore", "Strict", "Warn"'],
    [`fieldManager=${'m'.repeat(129)}`, 'fieldManager: Too long: may not be more than 128 bytes'],
    ['fieldManager=%07', 'should only contain printable characters'],
  ])('refuses the option %s with 422', async (query, message) => {
    const { request } = createServer();
    const { status } = await request('POST', `${thingPath}?${query}`, { body: thing('x') });
    expect(status).toMatchObject({ code: 422, details: { group: 'meta.k8s.io', kind: 'CreateOptions' } });
    expect(status.message).toContain(message);
  });

  it('does everything but store under dryRun', async () => {
    const { request, storage } = createServer();
    const { code, object } = await request('POST', `${thingPath}?dryRun=All`, { body: { metadata: { generateName: 'g-' } } });
    expect(code).toBe(201);
    expect(object.metadata.name).toMatch(/^g-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
    expect(object.metadata.uid).toBeTruthy();
    expect(object.metadata.resourceVersion).toBeUndefined();
    expect(storage.current()).toBe(emptyNumber);
  });

  it('makes up names, tries eight, and then says so', async () => {
    let tried = 0;
    const suffixes = ['bbbbb', 'bbbbb', 'ccccc'];
    const { request } = createServer({ ids: { suffix: () => suffixes[tried++] ?? 'bbbbb' } });
    const body = { metadata: { generateName: 'g-' } };
    expect((await request('POST', thingPath, { body })).object.metadata.name).toBe('g-bbbbb');
    expect((await request('POST', thingPath, { body })).object.metadata.name).toBe('g-ccccc');
    const before = tried;
    const { status } = await request('POST', thingPath, { body });
    expect(tried - before).toBe(8);
    expect(status).toMatchObject({ code: 409, reason: 'AlreadyExists', details: { retryAfterSeconds: 1 } });
    expect(status.message).toContain('the server was not able to generate a unique name');
    const long = await request('POST', thingPath, { body: { metadata: { generateName: 'l'.repeat(80) } } });
    expect(long.object.metadata.name).toHaveLength(63);
    expect((await request('POST', thingPath, { body: { metadata: { name: 'wins', generateName: 'g-' } } })).object.metadata.name).toBe(
      'wins',
    );
  });

  it('refuses a namespace that is not there, and one that is going', async () => {
    const { request } = createServer();
    const path = (namespace: string) => `/apis/example.io/v1/namespaces/${namespace}/things`;
    expect((await request('POST', path('nope'), { body: thing('x') })).status).toMatchObject({
      code: 404,
      reason: 'NotFound',
      message: 'namespaces "nope" not found',
      details: { name: 'nope', kind: 'namespaces' },
    });
    expect((await request('POST', path('going'), { body: thing('x') })).status).toMatchObject({
      code: 403,
      message: 'things.example.io "x" is forbidden: unable to create new content in namespace going because it is being terminated',
      details: {
        causes: [{ reason: 'NamespaceTerminating', message: 'namespace going is being terminated', field: 'metadata.namespace' }],
      },
    });
  });

  it('lets in what brings the namespace back', async () => {
    const createsNamespace = () => ({ resource: 'things.example.io', namespace: 'a', name: 'source' });
    const { request } = createServer({ rules: { createsNamespace } });
    const path = '/apis/example.io/v1/namespaces/lost/things';
    expect((await request('POST', path, { body: thing('x') })).code).toBe(404);
    await request('POST', thingPath, { body: thing('source') });
    expect((await request('POST', path, { body: thing('x') })).code).toBe(201);
  });

  it('asks for the rights that the content needs, of everybody but Kylon itself', async () => {
    const rightsToCreate = () => ['a', 'b'].map((namespace) => ({ verb: 'create', group: 'example.io', resource: 'things', namespace }));
    const { request, denied, asked } = createServer({ rules: { rightsToCreate } });
    denied.add('b');
    expect((await request('POST', thingPath, { body: thing('x') })).status).toMatchObject({
      code: 403,
      message:
        'things.example.io "x" is forbidden: User "alice" cannot create resource "things" in API group "example.io" in the namespace "b"',
    });
    expect(asked).toHaveLength(2);
    expect((await request('POST', thingPath, { body: thing('x'), user: kylonUser })).code).toBe(201);
  });

  it('runs the rules of the kind: first it is completed, then it is judged', async () => {
    const { request } = createServer({
      rules: {
        prepareForCreate: (object, user) => ({ ...object, status: { phase: user.name } }),
        validate: (object, old) =>
          object.metadata.name === 'bad'
            ? [{ field: 'spec', type: 'Forbidden', detail: `${JSON.stringify(old)} ${JSON.stringify(object.status)}` }]
            : [],
      },
    });
    expect((await request('POST', thingPath, { body: thing('x') })).object.status).toEqual({ phase: 'alice' });
    expect((await request('POST', thingPath, { body: thing('bad') })).status.message).toBe(
      'Thing.example.io "bad" is invalid: spec: Forbidden: undefined {"phase":"alice"}',
    );
  });

  it('warns of finalizers without a domain, of each when it is new', async () => {
    const { request } = createServer();
    const wish = (name: string, path = '') =>
      `metadata.finalizers: "${name}": prefer a domain-qualified finalizer name${path} to avoid accidental conflicts with other finalizer writers`;
    const finalizers = ['plain', 'a.b', 'a.b/c', 'orphan'];
    const made = await request('POST', thingPath, { body: { metadata: { name: 'x', finalizers } } });
    expect([made.code, made.warnings]).toEqual([201, [wish('plain'), wish('a.b', ' including a path (/)')]]);
    const changed = await request('PATCH', `${thingPath}/x`, { body: { metadata: { finalizers: ['more', ...finalizers] } } });
    expect(changed.warnings).toEqual([wish('more')]);
  });

  it('counts an owner once, and warns', async () => {
    const { request } = createServer();
    const owner = { apiVersion: 'v1', kind: 'A', name: 'a', uid: 'u' };
    const { object, warnings } = await request('POST', thingPath, { body: { metadata: { name: 'x', ownerReferences: [owner, owner] } } });
    expect(object.metadata.ownerReferences).toEqual([owner]);
    expect(warnings).toEqual([expect.stringContaining('.metadata.ownerReferences contains duplicate entries')]);
  });

  describe('reads bodies', () => {
    it('in JSON, in YAML, and without a type as JSON', async () => {
      const { request } = createServer();
      const yaml = 'metadata:\n  name: y\nspec:\n  size: 2\n';
      expect((await request('POST', thingPath, { body: yaml, type: 'application/yaml' })).object.spec).toEqual({ size: 2, mode: 'Fast' });
      expect((await request('POST', thingPath, { body: thing('j'), type: 'Application/JSON; charset=utf-8' })).code).toBe(201);
      expect((await request('POST', thingPath, { body: thing('n'), type: '' })).code).toBe(201);
    });

    it('of other types not at all', async () => {
      const { request } = createServer();
      for (const type of ['text/plain', 'application/vnd.kubernetes.protobuf'])
        expect((await request('POST', thingPath, { body: thing('x'), type })).status).toMatchObject({
          code: 415,
          reason: 'UnsupportedMediaType',
          message: 'the body of the request was in an unknown format - accepted media types include: application/json, application/yaml',
        });
    });

    it.each([
      ['{"metadata": x}', /position 13/],
      ['{"metadata":1', /position 13/],
      ['', /position 0/],
      ['{"a":"\n"}', /position 6/],
      ['['.repeat(2000) + ']'.repeat(2000), /exceeded max depth/],
    ])('that are broken with 400 and the place: %.20s', async (body, message) => {
      const { request } = createServer();
      const { status } = await request('POST', thingPath, { body });
      expect(status).toMatchObject({ code: 400, reason: 'BadRequest' });
      expect(status.message).toMatch(message);
    });

    it('that are no UTF-8, broken YAML, too large or too large to keep', async () => {
      const { request } = createServer();
      expect((await request('POST', thingPath, { body: Buffer.from([0x22, 0xff, 0x22]) })).code).toBe(400);
      expect((await request('POST', thingPath, { body: 'a: [', type: 'application/yaml' })).code).toBe(400);
      expect((await request('POST', thingPath, { body: ' '.repeat(3 * 1024 * 1024 + 1) })).status).toMatchObject({
        code: 413,
        message: 'Request entity too large: limit is 3145728',
      });
      const fat = thing('x', { spec: { free: { a: 'x'.repeat(1.6 * 1024 * 1024) } } });
      expect((await request('POST', thingPath, { body: fat })).status).toMatchObject({ code: 413, reason: 'RequestEntityTooLarge' });
    });
  });

  it('refuses with 406 before anything is written', async () => {
    const { request, storage } = createServer();
    expect((await request('POST', thingPath, { body: thing('x'), accept: 'image/png' })).code).toBe(406);
    expect(storage.current()).toBe(emptyNumber);
  });

  it('keeps what it stores in the form of encode', async () => {
    const { request, storage } = createServer();
    await request('POST', thingPath, { body: { spec: { size: 1 }, metadata: { name: 'x' }, kind: 'Thing' } });
    const stored = storage.peek({ resource: 'things.example.io', namespace: 'a', name: 'x' });
    expect(stored?.json).toMatch(/^\{"apiVersion":"example.io\/v1","kind":"Thing","metadata":\{"name":"x"/);
    expect(stored && decode(stored).spec).toEqual({ size: 1, mode: 'Fast' });
  });
});
