import { describe, expect, it } from 'vitest';
import { status } from '../../cluster/api-server.ts';
import { against, backup, event, isWatch } from '../scripted.ts';

describe('get', () => {
  const table = (
    rows: object[],
    columnDefinitions: object[] | null = [{ name: 'Name' }, { name: 'Phase' }, { name: 'Errors', priority: 1 }],
  ) => ({
    kind: 'Table',
    metadata: { resourceVersion: '5' },
    columnDefinitions,
    rows,
  });
  const row = (name: string, phase: string) => ({
    cells: [name, phase, 0],
    object: { metadata: { name, namespace: 'default', resourceVersion: '6', labels: { a: 'b' } } },
  });

  it('reads page by page', async () => {
    const { stdout, received } = await against(
      ({ query }) => ({
        body: query.get('continue') ? table([row('b', 'New')]) : { ...table([row('a', 'New')]), metadata: { continue: 'more' } },
      }),
      'backup get --show-labels -l a=b',
    );
    expect(stdout).toBe('NAME   PHASE   LABELS\na      New     a=b\nb      New     a=b\n');
    expect(received.map(({ query }) => query.get('labelSelector'))).toEqual(['a=b', 'a=b']);
  });

  it('goes on with what changes, over watches that end', async () => {
    const watches = [event('MODIFIED', table([row('a', 'InProgress')])), event('MODIFIED', table([row('a', 'Completed')], null))];
    const { stdout, code, received } = await against((request) => {
      if (!isWatch(request)) return { body: table([row('a', 'New')]) };
      return watches.length > 0 ? { body: watches.shift() } : status(403, 'Forbidden', 'no more');
    }, 'backup get --watch -o wide');
    expect(stdout).toBe('NAME   PHASE   ERRORS\na      New     0\na      InProgress   0\na      Completed    0\n');
    expect(code).toBe(5);
    expect(received.filter(isWatch).map(({ query }) => query.get('resourceVersion'))).toEqual(['5', '6', '6']);
  });

  it('prints those that there are, and refuses for the others', async () => {
    const { code, stdout, stderr } = await against(
      ({ path }) => (path.endsWith('/b') ? status(404, 'NotFound', 'no b') : { body: backup({}, { name: 'a', managedFields: [{}] }) }),
      'backup get a b -o jsonpath={.items[*].metadata}',
    );
    expect({ code, stderr }).toEqual({ code: 5, stderr: 'Error from server (NotFound): no b\n' });
    expect(stdout).toBe('{"name":"a","namespace":"default","resourceVersion":"1","uid":"u"}');
  });
});

describe('logs', () => {
  it('go on where they were cut, and leave no line out and none twice', async () => {
    const lines = ['t1 INFO a\n', 't1 INFO b\n', 't2 INFO c\n', 't2 INFO d\n', 't3 INFO e\n'];
    const answers = [lines.slice(0, 3).join(''), lines.slice(2).join('')];
    const { stdout, code, received } = await against((_, response) => {
      response.writeHead(200, { 'Content-Type': 'text/plain' });
      const text = answers.shift() ?? '';
      if (answers.length === 0) response.end(text);
      else response.write(text, () => setTimeout(() => response.destroy(), 20));
      return undefined;
    }, 'logs -f x --tail 3');
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'INFO a\nINFO b\nINFO c\nINFO d\nINFO e\n' });
    expect(received.map(({ query }) => [query.get('sinceTime'), query.get('tailLines')])).toEqual([
      [null, '3'],
      ['t2', null],
    ]);
  });
});
