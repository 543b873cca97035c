import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { DefaultLevel, GrantLevel, GuardedKind, Permission } from '#contract';
import { isEverywhere, isWithin, rightsOf } from './rights.ts';
import type { RecordAction, Rights } from './rights.ts';

const actions: readonly RecordAction[] = ['read', 'use', 'update', 'delete', 'manage'];
const writer: readonly Permission[] = ['read', 'log'];

function rights(
  grants: readonly (readonly [GuardedKind, string, GrantLevel])[],
  options: { readonly usual?: DefaultLevel; readonly permissions?: readonly Permission[]; readonly isAdmin?: boolean } = {},
): Rights {
  const { usual = 'ROLES', permissions = writer, isAdmin = false } = options;
  const rows = grants.map(([kind, record, level]) => ({ kind, record, level }));
  return rightsOf(rows, { permissions: new Set(permissions), isAdmin, usual });
}
const allowed = (of: Rights, record: string, kind: GuardedKind = 'experiment'): readonly RecordAction[] =>
  actions.filter((action) => of.may(action, kind, record));

describe('rights on records', () => {
  test('are what roles say where nothing was granted, but for saying who else may', () => {
    assert.deepEqual(allowed(rights([]), '1'), ['read', 'use', 'update', 'delete']);
    assert.deepEqual(allowed(rights([], { permissions: ['read'] }), '1'), ['read', 'use']);
    assert.deepEqual(allowed(rights([], { isAdmin: true }), '1'), actions);
    assert.ok(isEverywhere(rights([]).reach('update', 'experiment')));
  });

  test('are the default’s where one is set, and never more than roles allow', () => {
    const of = (usual: DefaultLevel): readonly RecordAction[] => allowed(rights([], { usual }), '1');
    assert.deepEqual(of('NO_PERMISSIONS'), []);
    assert.deepEqual(of('READ'), ['read']);
    assert.deepEqual(of('USE'), ['read', 'use']);
    assert.deepEqual(of('EDIT'), ['read', 'use', 'update']);
    assert.deepEqual(of('MANAGE'), actions);
    assert.deepEqual(allowed(rights([['experiment', '1', 'MANAGE']], { permissions: ['read'] }), '1'), ['read', 'use']);
  });

  test('are given beyond the default and never below it; what takes away takes all', () => {
    const usual = 'READ';
    assert.deepEqual(allowed(rights([['experiment', '1', 'EDIT']], { usual }), '1'), ['read', 'use', 'update']);
    assert.deepEqual(allowed(rights([['experiment', '1', 'READ']], { usual: 'EDIT' }), '1'), ['read', 'use', 'update']);
    assert.deepEqual(allowed(rights([['experiment', '1', 'NO_PERMISSIONS']], { usual }), '1'), []);
    assert.deepEqual(allowed(rights([['experiment', '1', 'DENY']], { usual }), '1'), []);
    assert.deepEqual(allowed(rights([['experiment', '1', 'EDIT']], { usual }), '2'), ['read']);
    assert.deepEqual(allowed(rights([['experiment', '1', 'EDIT']], { usual }), '1', 'registered_model'), ['read']);
    assert.deepEqual(allowed(rights([['experiment', '1', 'DENY']], { isAdmin: true }), '1'), actions);
  });

  test('on every record of a kind meet those on one: DENY wins, else the highest', () => {
    const usual = 'NO_PERMISSIONS';
    const of = (every: GrantLevel, one: GrantLevel): readonly RecordAction[] =>
      allowed(
        rights(
          [
            ['experiment', '*', every],
            ['experiment', '1', one],
          ],
          { usual },
        ),
        '1',
      );
    assert.deepEqual(of('READ', 'EDIT'), ['read', 'use', 'update']);
    assert.deepEqual(of('EDIT', 'READ'), ['read', 'use', 'update']);
    assert.deepEqual(of('EDIT', 'DENY'), []);
    assert.deepEqual(of('DENY', 'MANAGE'), []);
    assert.deepEqual(of('READ', 'NO_PERMISSIONS'), ['read']);
  });

  test('reach all records but some, or some only', () => {
    const open = rights([
      ['experiment', '1', 'DENY'],
      ['experiment', '2', 'MANAGE'],
    ]);
    assert.deepEqual(open.reach('read', 'experiment'), { rest: true, except: new Set(['1']) });
    assert.deepEqual(open.reach('manage', 'experiment'), { rest: false, except: new Set(['2']) });
    assert.ok(isEverywhere(open.reach('read', 'registered_model')));
    const shut = rights([['registered_model', 'fraud', 'READ']], { usual: 'NO_PERMISSIONS' });
    const reach = shut.reach('read', 'registered_model');
    assert.deepEqual(reach, { rest: false, except: new Set(['fraud']) });
    assert.deepEqual([isWithin(reach, 'fraud'), isWithin(reach, 'churn')], [true, false]);
    assert.deepEqual([isWithin(open.reach('read', 'experiment'), '1'), isWithin(open.reach('read', 'experiment'), '3')], [false, true]);
    assert.deepEqual(rights([['experiment', '1', 'EDIT']], { permissions: ['read'] }).reach('update', 'experiment'), {
      rest: false,
      except: new Set(),
    });
  });

  test('are named by the highest level of which everything may be done', () => {
    assert.equal(rights([]).level('experiment', '1'), 'EDIT');
    assert.equal(rights([], { isAdmin: true }).level('experiment', '1'), 'MANAGE');
    assert.equal(rights([], { permissions: ['read'] }).level('experiment', '1'), 'USE');
    assert.equal(rights([], { usual: 'READ' }).level('experiment', '1'), 'READ');
    assert.equal(rights([['experiment', '1', 'DENY']]).level('experiment', '1'), 'NO_PERMISSIONS');
  });
});
