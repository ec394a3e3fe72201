import { describe, expect, it } from 'vitest';
import { impersonationHeaders } from '../../src/cluster/impersonate.ts';

const alice = { name: 'alice', groups: [], extra: {} };

describe('impersonationHeaders', () => {
  it('carries name, uid, every group and every extra value', () => {
    const user = { name: 'alice', uid: 'u-1', groups: ['dev, ops', 'system:authenticated', 'x'], extra: { scopes: ['a', 'b'] } };
    expect(impersonationHeaders(user)).toEqual({
      'Impersonate-User': 'alice',
      'Impersonate-Uid': 'u-1',
      'Impersonate-Group': ['dev, ops', 'x'],
      'Impersonate-Extra-scopes': ['a', 'b'],
    });
  });

  it('writes UTF-8 as bytes', () => {
    expect(impersonationHeaders({ ...alice, name: 'jürgen' })['Impersonate-User']).toBe(Buffer.from('jürgen').toString('latin1'));
  });

  it('escapes in keys of extra what a header name cannot hold, and capitals', () => {
    const headers = impersonationHeaders({ ...alice, extra: { 'example.com/Pod%ü': ['1'] } });
    expect(Object.keys(headers)).toContain('Impersonate-Extra-example.com%2f%50od%25%c3%bc');
  });

  it.each(['', ' alice', 'alice\t', 'a\nImpersonate-Group: system:masters'])('refuses the name %j, which would be another', (name) => {
    expect(() => impersonationHeaders({ ...alice, name })).toThrow('cannot be impersonated');
  });

  it('refuses such groups too', () => {
    expect(() => impersonationHeaders({ ...alice, groups: [''] })).toThrow('group');
  });
});
