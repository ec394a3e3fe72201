import { describe, expect, it } from 'vitest';
import { status } from '../../cluster/api-server.ts';
import type { Script } from '../../cluster/api-server.ts';
import { against, backup, event, isWatch } from '../scripted.ts';

describe('--wait', () => {
  const create = 'backup create x --wait';
  /** POST, then states by reading and by watches, each of which ends after its events. */
  function states(reads: readonly object[], watches: readonly string[] = []): Script {
    const [left, events] = [[...reads], [...watches]];
    return (request, response) => {
      if (request.method === 'POST') return { status: 201, body: backup() };
      if (!isWatch(request))
        return left.length > 1 ? { body: left.shift() } : (left[0] && { body: left[0] }) || status(404, 'NotFound', 'gone');
      response.writeHead(200, { 'Content-Type': 'application/json' });
      response.write(events.shift() ?? '\n');
      setTimeout(() => response.destroy(), 5);
      return undefined;
    };
  }

  it.each<[string, object, number, string]>([
    ['Completed', { phase: 'Completed' }, 0, 'Completed'],
    ['PartiallyFailed', { phase: 'PartiallyFailed', errors: 2, warnings: 1 }, 3, 'PartiallyFailed (errors: 2, warnings: 1)'],
    ['Failed', { phase: 'Failed', failureReason: 'no room' }, 4, 'Failed'],
    ['Deleting', { phase: 'Deleting' }, 4, 'Deleting'],
  ])('ends with the phase: %s', async (_, state, code, text) => {
    const said = await against(states([backup({ phase: 'New' })], [event('MODIFIED', backup(state))]), create);
    expect(said.code).toBe(code);
    expect(said.stdout).toBe(`backup.backup.kylon.io/x created\nbackup.backup.kylon.io/x ${text}\n`);
    if (code !== 0) expect(said.stderr).toContain('see kubectl kylon backup logs -n default x');
    if (code === 4 && 'failureReason' in state) expect(said.stderr).toContain('no room');
  });

  it('tells where the warnings of what is Completed stand', async () => {
    const { code, stdout, stderr } = await against(states([backup({ phase: 'Completed', warnings: 2 })]), create);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '2 warnings: see kubectl kylon backup describe -n default x\n' });
    expect(stdout).toMatch(/x Completed \(errors: 0, warnings: 2\)\n$/);
  });

  it('goes on over watches that are cut, and shows how far it is', async () => {
    const at = (itemsBackedUp: number) => backup({ phase: 'InProgress', progress: { totalItems: 4, itemsBackedUp } });
    const script = states([at(1), at(2), at(3), backup({ phase: 'Completed' })], [event('MODIFIED', at(2))]);
    const { code, stderr, received } = await against(script, create);
    expect(code).toBe(0);
    expect(stderr).toBe('InProgress: 1 of 4 items\nInProgress: 2 of 4 items\nInProgress: 3 of 4 items\n');
    expect(received.filter(isWatch)).toHaveLength(3);
  });

  it('goes on over a server that is away for a moment', async () => {
    const reads = [
      status(503, 'ServiceUnavailable', 'the server is currently unable to handle the request'),
      { body: backup({ phase: 'Completed' }) },
    ];
    const { code } = await against(({ method }) => (method === 'POST' ? { status: 201, body: backup() } : reads.shift()), create);
    expect({ code, left: reads.length }).toEqual({ code: 0, left: 0 });
  });

  it('moves a bar where a person looks on', async () => {
    const running = backup({ phase: 'InProgress', progress: { totalItems: 4, itemsBackedUp: 2 } });
    const { stderr } = await against(states([running, backup({ phase: 'Completed' })]), create, { answers: '' });
    expect(stderr).toMatch(/^\r\[=+ +\] InProgress: 2 of 4 items\r$/);
  });

  it('leaves standard output to what -o prints', async () => {
    const { code, stdout, stderr } = await against(states([backup({ phase: 'Completed' })]), `${create} -o name`);
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: 'backup.backup.kylon.io/x\n',
      stderr: 'backup.backup.kylon.io/x Completed\n',
    });
  });

  it('says when it was deleted meanwhile', async () => {
    const { code, stderr } = await against(states([backup({ phase: 'New' })], [event('DELETED', backup())]), create);
    expect({ code, stderr }).toMatchObject({ code: 4, stderr: expect.stringContaining('was deleted before it ended') });
  });

  it('leaves the work alone at Ctrl-C, and says so', async () => {
    const { code, stderr } = await against(states([backup({ phase: 'InProgress' })]), create, { interruptAt: /InProgress/ });
    expect(code).toBe(130);
    expect(stderr).toBe('InProgress\nbackup.backup.kylon.io/x goes on without you: see kubectl kylon backup logs -f -n default x\n');
  });

  it('reads now and then where watching is refused', async () => {
    const answers = [backup({ phase: 'New' }), backup({ phase: 'New' }), backup({ phase: 'Completed' })];
    const { code } = await against((request) => {
      if (request.method === 'POST') return { status: 201, body: backup() };
      return isWatch(request) ? status(403, 'Forbidden', 'no watch') : { body: answers.shift() };
    }, create);
    expect({ code, left: answers.length }).toEqual({ code: 0, left: 0 });
  });
});

describe('delete', () => {
  it('asks a person, and does what the answer is', async () => {
    const no = await against(() => ({ body: {} }), 'backup delete x y', { answers: 'n' });
    expect(no).toMatchObject({ code: 1, received: [], stderr: 'Delete backups "x", "y" with the data? (y/N) nothing was deleted\n' });
    const yes = await against(() => ({ body: {} }), 'backup delete x', { answers: 'y' });
    expect(yes).toMatchObject({ code: 0, stdout: 'backup.backup.kylon.io "x" deleted\n' });
  });

  it('goes on after a refusal, and ends with it', async () => {
    const { code, stdout, stderr } = await against(
      ({ path }) => (path.endsWith('/x') ? status(403, 'Forbidden', 'it is held') : { body: {} }),
      'backup delete x y -y',
    );
    expect({ code, stdout, stderr }).toEqual({
      code: 5,
      stdout: 'backup.backup.kylon.io "y" deleted\n',
      stderr: 'Error from server (Forbidden): it is held\n',
    });
  });

  it('waits until it is gone, or another has its name', async () => {
    const reads = [backup(), backup({ phase: 'Deleting' }), backup({}, { uid: 'other' })];
    const { code, received } = await against((request) => {
      if (isWatch(request)) return { body: '' };
      return request.method === 'DELETE' ? { body: {} } : { body: reads.shift() };
    }, 'backup delete x --confirm --wait');
    expect({ code, left: reads.length }).toEqual({ code: 0, left: 0 });
    expect(JSON.parse(received.find(({ method }) => method === 'DELETE')?.body ?? '')).toMatchObject({ preconditions: { uid: 'u' } });
  });

  it('deletes all before it waits for any', async () => {
    const deleted = new Set<string>();
    const { code, stdout, received } = await against(({ method, path }) => {
      if (method === 'DELETE') deleted.add(path);
      if (method === 'DELETE' || deleted.size < 2) return { body: backup() };
      return status(404, 'NotFound', 'gone');
    }, 'backup delete x y --confirm --wait');
    expect(code).toBe(0);
    expect(stdout).toBe('backup.backup.kylon.io "x" deleted\nbackup.backup.kylon.io "y" deleted\n');
    expect(received.map(({ method, path }) => `${method} ${path.split('/').at(-1)}`)).toEqual([
      'GET x',
      'DELETE x',
      'GET y',
      'DELETE y',
      'GET x',
      'GET y',
    ]);
  });

  it('waits for the others where one is refused', async () => {
    const answers = [backup(), {}, backup({}, { uid: 'other' })];
    const { code, stderr } = await against(
      ({ path }) => (path.endsWith('/x') ? status(403, 'Forbidden', 'it is held') : { body: answers.shift() }),
      'backup delete x y --confirm --wait',
    );
    expect({ code, stderr, left: answers.length }).toEqual({ code: 5, stderr: 'Error from server (Forbidden): it is held\n', left: 0 });
  });
});
