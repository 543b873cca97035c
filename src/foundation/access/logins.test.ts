import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hasCode, manualClock } from '#core';
import { remember } from './remembered.ts';
import { withAccess } from './testing.ts';

const admin = { identity: 'id-0', name: 'root' };
const password = 'correct horse battery';

describe('a name and a password with every request', () => {
  test('are looked at once: a thousand requests try one password, and keep nobody out by coming together', async () => {
    await using rig = await withAccess();
    await rig.access.createIdentity({ name: 'bea', roles: ['qa'] }, admin);
    await rig.access.setPassword('bea', password, admin);
    const before = rig.writes();
    const found = await Promise.all(Array.from({ length: 1000 }, () => rig.access.authenticateBasic('bea', password)));
    assert.ok(found.every(({ identity, via }) => identity.name === 'bea' && via === 'password'));
    await rig.access.authenticateBasic('bea', password);
    // One try is counted, and one account cleared of its tries.
    assert.equal(rig.writes() - before, 2);
  });

  test('are worth nothing once the password is changed or the identity disabled', async () => {
    await using rig = await withAccess();
    const { access } = rig;
    await access.createIdentity({ name: 'bea', roles: ['qa'] }, admin);
    await access.setPassword('bea', password, admin);
    await access.authenticateBasic('bea', password);
    await access.changeOwnPassword('bea', password, 'another horse battery');
    await assert.rejects(access.authenticateBasic('bea', password), (error) => hasCode(error, 'UNAUTHENTICATED'));
    assert.equal((await access.authenticateBasic('bea', 'another horse battery')).identity.name, 'bea');
    await access.disableIdentity('bea', admin);
    await assert.rejects(access.authenticateBasic('bea', 'another horse battery'), (error) => hasCode(error, 'UNAUTHENTICATED'));
  });

  test('act by the roles that the identity has now', async () => {
    await using rig = await withAccess();
    await rig.access.createIdentity({ name: 'bea', roles: ['qa'] }, admin);
    await rig.access.setPassword('bea', password, admin);
    assert.ok(!(await rig.access.authenticateBasic('bea', password)).permissions.has('log'));
    await rig.access.setRoles('bea', ['data-scientist'], admin);
    assert.ok((await rig.access.authenticateBasic('bea', password)).permissions.has('log'));
  });

  test('may be a token under any name', async () => {
    await using rig = await withAccess();
    await rig.access.createIdentity({ name: 'bea', roles: ['qa'] }, admin);
    const { secret } = await rig.access.issueToken({ identity: 'bea', label: 'x' }, admin);
    const { identity, via } = await rig.access.authenticateBasic('whoever', secret);
    assert.deepEqual([identity.name, via], ['bea', 'token']);
  });

  test('that are wrong are counted as at the login page', async () => {
    await using rig = await withAccess();
    await rig.access.createIdentity({ name: 'bea', roles: ['qa'] }, admin);
    await rig.access.setPassword('bea', password, admin);
    for (let at = 0; at < 5; at++) {
      await assert.rejects(rig.access.authenticateBasic('bea', `wrong horse ${at}`), (error) => hasCode(error, 'UNAUTHENTICATED'));
    }
    await assert.rejects(rig.access.authenticateBasic('bea', 'wrong horse 5'), (error) => hasCode(error, 'RESOURCE_EXHAUSTED'));
    for (const [name, word] of [
      ['', password],
      ['bea', ''],
    ])
      await assert.rejects(rig.access.authenticateBasic(name, word), (error) => hasCode(error, 'UNAUTHENTICATED'));
  });

  test('are changed by who knows the present one, to another one', async () => {
    await using rig = await withAccess();
    await rig.access.createIdentity({ name: 'bea', roles: ['qa'] }, admin);
    await rig.access.setPassword('bea', password, admin);
    await assert.rejects(rig.access.changeOwnPassword('bea', 'wrong horse battery', 'x'.repeat(12)), (error) =>
      hasCode(error, 'UNAUTHENTICATED'),
    );
    await assert.rejects(rig.access.changeOwnPassword('bea', password, password), (error) => hasCode(error, 'INVALID_ARGUMENT'));
    await assert.rejects(rig.access.changeOwnPassword('bea', password, 'short'), (error) => hasCode(error, 'INVALID_ARGUMENT'));
  });
});

describe('what is remembered', () => {
  test('is looked up again after its time, and gives way to newer ones when there are many', async () => {
    const clock = manualClock(0);
    let looks = 0;
    const remembered = remember<number>({ clock, forMs: 1000, most: 2 });
    const get = (key: string): Promise<number> => remembered.get(key, async () => ++looks);
    assert.deepEqual([await get('a'), await get('a')], [1, 1]);
    clock.advance(1000);
    assert.equal(await get('a'), 2);
    await get('b');
    await get('c');
    assert.deepEqual([await get('c'), await get('b'), await get('a')], [4, 3, 5]);
  });

  test('is not kept when it was forgotten while it was being looked up, nor when looking failed', async () => {
    const remembered = remember<string>({ clock: manualClock(0), forMs: 1000, most: 10 });
    const old = Promise.withResolvers<string>();
    const asked = remembered.get('a', () => old.promise);
    remembered.forget();
    const newer = remembered.get('a', async () => 'new');
    old.resolve('old');
    assert.deepEqual([await asked, await newer, await remembered.get('a', async () => 'newest')], ['old', 'new', 'new']);
    await assert.rejects(remembered.get('b', () => Promise.reject(new Error('away'))));
    assert.equal(await remembered.get('b', async () => 'back'), 'back');
  });
});
