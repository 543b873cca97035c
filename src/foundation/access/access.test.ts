import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { permissions, roles } from '#contract';
import { hasCode, sha256 } from '#core';
import type { ErrorCode } from '#core';
import { assertDifferentPeople, newSecret, permissionsOfRole, requirePermission } from './index.ts';
import type { Access } from './index.ts';
import { lockMs } from './passwords.ts';
import { withAccess } from './testing.ts';

const admin = { identity: 'id-0', name: 'root' };
const fails =
  (code: ErrorCode, words: RegExp) =>
  (error: unknown): boolean => {
    assert.ok(hasCode(error, code), String(error));
    assert.match(error.message, words);
    return true;
  };

describe('the first start', () => {
  test('makes one owner, whose token works, and makes no second one', async () => {
    await using rig = await withAccess();
    const first = await rig.access.bootstrap();
    assert.ok(first !== undefined);
    const principal = await rig.access.authenticate(first.secret);
    assert.deepEqual([principal.identity.name, principal.via], ['owner', 'token']);
    assert.equal(await rig.access.bootstrap(), undefined);
    assert.equal((await rig.access.listIdentities()).length, 1);
  });

  test('takes the secret that stands in the data folder, before a crash and after it', async () => {
    await using rig = await withAccess();
    const secret = newSecret('token', rig.randomBytes);
    assert.equal((await rig.access.bootstrap(secret))?.secret, secret);
    assert.equal(await rig.access.bootstrap(secret), undefined);
    // The file was lost and another one written: it is the same owner's.
    const another = newSecret('token', rig.randomBytes);
    await rig.access.bootstrap(another);
    assert.equal((await rig.access.authenticate(another)).identity.id, (await rig.access.authenticate(secret)).identity.id);
    await assert.rejects(rig.access.bootstrap('gyre_short'), fails('INVALID_ARGUMENT', /damaged/));
  });

  test('keeps no secret: neither tokens nor codes, sessions nor passwords stand in the store', async () => {
    await using rig = await withAccess();
    const owner = await rig.access.bootstrap();
    assert.ok(owner !== undefined);
    const principal = await rig.access.authenticate(owner.secret);
    const { code } = await rig.access.oneTimeCode(principal);
    const session = await rig.access.redeem(code);
    await rig.access.setPassword('owner', 'correct horse battery', admin);
    const kept = await rig.store.read(async (db) => {
      const tables = db.tables<Record<string, Record<string, unknown>>>();
      return JSON.stringify(
        await Promise.all(
          ['identities', 'tokens', 'browser_secrets', 'login_attempts', 'events'].map((name) =>
            tables.selectFrom(name).selectAll().execute(),
          ),
        ),
      );
    });
    for (const secret of [owner.secret, code, session.secret, 'correct horse battery']) assert.ok(!kept.includes(secret));
    assert.match(kept, /\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  });
});

describe('a token', () => {
  test('is refused once it is revoked, expired or its identity disabled, each with its reason', async () => {
    await using rig = await withAccess();
    await rig.access.bootstrap();
    const bea = await rig.access.createIdentity({ name: 'bea', roles: ['qa'] }, admin);
    const [short, revoked, lasting] = await Promise.all([
      rig.access.issueToken({ identity: 'bea', label: 'a', expiresInMs: 1000 }, admin),
      rig.access.issueToken({ identity: bea.id, label: 'b' }, admin),
      rig.access.issueToken({ identity: 'bea', label: 'c' }, admin),
    ]);
    for (const { secret } of [short, revoked, lasting]) assert.equal((await rig.access.authenticate(secret)).identity.name, 'bea');

    rig.clock.advance(1000);
    await assert.rejects(rig.access.authenticate(short.secret), fails('UNAUTHENTICATED', /expired at 2026-01-01T00:00:01/));
    await rig.access.revokeToken(revoked.token.id, admin);
    await assert.rejects(rig.access.authenticate(revoked.secret), fails('UNAUTHENTICATED', /revoked/));
    await rig.access.disableIdentity('bea', admin);
    await assert.rejects(rig.access.authenticate(lasting.secret), fails('UNAUTHENTICATED', /"bea" is disabled/));
    await assert.rejects(rig.access.issueToken({ identity: 'bea', label: 'd' }, admin), fails('FAILED_PRECONDITION', /disabled/));
  });

  test('are listed by hash for who cannot ask: those of an active identity with the permission, until they expire', async () => {
    await using rig = await withAccess();
    const { access, clock } = rig;
    await access.createIdentity({ name: 'bea', roles: ['data-scientist'] }, admin);
    await access.createIdentity({ name: 'max', roles: ['ml-engineer'] }, admin);
    await access.createIdentity({ name: 'vic', roles: ['stakeholder'] }, admin);
    const issue = (identity: string, expiresInMs?: number): ReturnType<Access['issueToken']> =>
      access.issueToken({ identity, label: 'x', ...(expiresInMs === undefined ? {} : { expiresInMs }) }, admin);
    const [lasting, short, revoked, disabled] = [await issue('bea'), await issue('bea', 1000), await issue('bea'), await issue('max')];
    await issue('vic');
    await access.revokeToken(revoked.token.id, admin);
    const hashes = (...issued: readonly { readonly secret: string }[]): string[] => issued.map(({ secret }) => sha256(secret)).sort();
    assert.deepEqual(await access.tokensWith('log'), { hashes: hashes(lasting, short, disabled), firstExpiry: clock.now() + 1000 });
    await access.disableIdentity('max', admin);
    clock.advance(1000);
    assert.deepEqual(await access.tokensWith('log'), { hashes: hashes(lasting) });
  });

  test('that nobody issued is refused, whatever its form', async () => {
    await using rig = await withAccess();
    for (const secret of [
      '',
      'gyre_',
      newSecret('token', rig.randomBytes),
      newSecret('session', rig.randomBytes),
      newSecret('code', rig.randomBytes),
    ]) {
      await assert.rejects(rig.access.authenticate(secret), fails('UNAUTHENTICATED', /not accepted/));
    }
  });

  test('is told of in the events without its secret', async () => {
    await using rig = await withAccess();
    const owner = await rig.access.bootstrap();
    const told = await rig.events.read({});
    assert.deepEqual(
      told.map(({ type }) => type),
      ['dev.gyre.identity.created.v1', 'dev.gyre.token.issued.v1'],
    );
    assert.ok(!JSON.stringify(told).includes(String(owner?.secret)));
  });
});

describe('identities', () => {
  test('have names of their own', async () => {
    await using rig = await withAccess();
    await rig.access.createIdentity({ name: 'bea', roles: ['qa'] }, admin);
    await assert.rejects(rig.access.createIdentity({ name: 'bea', roles: ['approver'] }, admin), fails('ALREADY_EXISTS', /"bea"/));
    await assert.rejects(rig.access.createIdentity({ name: 'local', roles: ['admin'] }, admin), fails('INVALID_ARGUMENT', /reserved/));
    await assert.rejects(rig.access.getIdentity('eve'), fails('NOT_FOUND', /there are: bea/));
  });

  test('the last admin cannot be disabled', async () => {
    await using rig = await withAccess();
    await rig.access.bootstrap();
    await assert.rejects(rig.access.disableIdentity('owner', admin), fails('FAILED_PRECONDITION', /last admin/));
    await rig.access.createIdentity({ name: 'second', roles: ['admin'] }, admin);
    assert.equal((await rig.access.disableIdentity('owner', admin)).disabled, true);
  });

  test('played by programs say so in their actor', async () => {
    await using rig = await withAccess();
    await rig.access.createIdentity({ name: 'robot', roles: ['qa'], simulated: true }, admin);
    const { secret } = await rig.access.issueToken({ identity: 'robot', label: 'demo' }, admin);
    assert.deepEqual((await rig.access.authenticate(secret)).actor, { identity: 'id-1', name: 'robot', simulated: true });
  });
});

describe('a browser', () => {
  test('gets a session for a one-time code, once', async () => {
    await using rig = await withAccess();
    const owner = await rig.access.bootstrap();
    const principal = await rig.access.authenticate(String(owner?.secret));
    const { code } = await rig.access.oneTimeCode(principal);
    const attempts = await Promise.allSettled([rig.access.redeem(code), rig.access.redeem(code), rig.access.redeem(code)]);
    const sessions = attempts.filter((attempt) => attempt.status === 'fulfilled').map(({ value }) => value);
    assert.equal(sessions.length, 1);
    assert.equal((await rig.access.authenticate(sessions[0].secret)).via, 'session');
    await rig.access.endSession(sessions[0].secret);
    await assert.rejects(rig.access.authenticate(sessions[0].secret), fails('UNAUTHENTICATED', /log in again/));
  });

  test('comes too late with an old code, and is out when its session ends by itself', async () => {
    await using rig = await withAccess();
    const owner = await rig.access.bootstrap();
    const principal = await rig.access.authenticate(String(owner?.secret));
    const late = await rig.access.oneTimeCode(principal);
    rig.clock.advance(5 * 60_000);
    await assert.rejects(rig.access.redeem(late.code), fails('UNAUTHENTICATED', /too old/));
    const session = await rig.access.redeem((await rig.access.oneTimeCode(principal)).code);
    rig.clock.set(session.expiresAt);
    await assert.rejects(rig.access.authenticate(session.secret), fails('UNAUTHENTICATED', /expired/));
  });

  test('cannot use its cookie as a code, nor a code as a cookie', async () => {
    await using rig = await withAccess();
    const owner = await rig.access.bootstrap();
    const { code } = await rig.access.oneTimeCode(await rig.access.authenticate(String(owner?.secret)));
    await assert.rejects(rig.access.authenticate(code), fails('UNAUTHENTICATED', /form/));
    const session = await rig.access.redeem(code);
    await assert.rejects(rig.access.redeem(session.secret), fails('UNAUTHENTICATED', /used up/));
  });
});

describe('a password', () => {
  test('opens a session; a wrong one, a wrong name and a name without password get the same answer', async () => {
    await using rig = await withAccess();
    await rig.access.bootstrap();
    await rig.access.createIdentity({ name: 'bea', roles: ['qa'] }, admin);
    await rig.access.setPassword('bea', 'correct horse battery', admin);
    const session = await rig.access.authenticatePassword('bea', 'correct horse battery');
    assert.equal((await rig.access.authenticate(session.secret)).identity.name, 'bea');
    for (const [name, password] of [
      ['bea', 'wrong horse battery'],
      ['eve', 'correct horse battery'],
      ['owner', ''],
    ]) {
      await assert.rejects(rig.access.authenticatePassword(name, password), fails('UNAUTHENTICATED', /^name or password is wrong$/));
    }
    await assert.rejects(rig.access.setPassword('bea', 'short', admin), fails('INVALID_ARGUMENT', /12 to 1024/));
  });

  test('that is changed ends the sessions opened with the old one', async () => {
    await using rig = await withAccess();
    await rig.access.bootstrap();
    await rig.access.setPassword('owner', 'correct horse battery', admin);
    const session = await rig.access.authenticatePassword('owner', 'correct horse battery');
    await rig.access.setPassword('owner', 'another horse battery', admin);
    await assert.rejects(rig.access.authenticate(session.secret), fails('UNAUTHENTICATED', /log in again/));
    await assert.rejects(rig.access.authenticatePassword('owner', 'correct horse battery'), fails('UNAUTHENTICATED', /wrong/));
  });

  test('can be guessed a few times only, also when all tries come at once; the right one is refused while the account is locked', async () => {
    await using rig = await withAccess();
    await rig.access.bootstrap();
    await rig.access.setPassword('owner', 'correct horse battery', admin);
    const tries = await Promise.allSettled(
      Array.from({ length: 12 }, () => rig.access.authenticatePassword('owner', 'wrong horse battery')),
    );
    const codes = tries.map((attempt) =>
      attempt.status === 'rejected' && attempt.reason instanceof Error && 'code' in attempt.reason ? attempt.reason.code : 'in',
    );
    assert.equal(codes.filter((code) => code === 'UNAUTHENTICATED').length, 5);
    assert.equal(codes.filter((code) => code === 'RESOURCE_EXHAUSTED').length, 7);
    await assert.rejects(
      rig.access.authenticatePassword('owner', 'correct horse battery'),
      fails('RESOURCE_EXHAUSTED', /try again in 1 second$/),
    );
    rig.clock.advance(1000);
    await rig.access.authenticatePassword('owner', 'correct horse battery');
    await assert.rejects(rig.access.authenticatePassword('owner', 'wrong horse battery'), fails('UNAUTHENTICATED', /wrong/));
  });

  test('locks for twice as long with each further wrong try, at most a quarter of an hour', () => {
    assert.deepEqual([1, 4, 5, 6, 7, 14, 15, 400].map(lockMs), [0, 0, 1000, 2000, 4000, 512_000, 900_000, 900_000]);
  });
});

describe('permissions', () => {
  test('are held by some role each, and by no role twice', () => {
    for (const permission of permissions)
      assert.ok(
        roles.some((role) => permissionsOfRole[role].includes(permission)),
        permission,
      );
    for (const role of roles) assert.equal(new Set(permissionsOfRole[role]).size, permissionsOfRole[role].length);
  });

  test('are split so that no role builds, certifies, approves and releases alone', () => {
    const duties = ['build', 'certify', 'approve', 'release'] as const;
    for (const role of roles) assert.ok(duties.filter((duty) => permissionsOfRole[role].includes(duty)).length <= 1, role);
  });

  test('that are missing are refused with the permission, the roles that have it and the roles held', async () => {
    await using rig = await withAccess();
    await rig.access.createIdentity({ name: 'bea', roles: ['qa', 'stakeholder'] }, admin);
    const bea = await rig.access.authenticate((await rig.access.issueToken({ identity: 'bea', label: 'x' }, admin)).secret);
    requirePermission(bea, 'certify');
    assert.throws(
      () => requirePermission(bea, 'approve'),
      fails('PERMISSION_DENIED', /"approve" is needed, which approver have; "bea" has the roles qa, stakeholder/),
    );
    const local = rig.access.local();
    requirePermission(local, 'read');
    for (const permission of ['certify', 'approve', 'release', 'erase', 'administer', 'build'] as const) {
      assert.throws(() => requirePermission(local, permission), fails('PERMISSION_DENIED', /without a token you have no role/));
    }
  });

  test('of the identity local can be switched off', async () => {
    await using rig = await withAccess({ local: false });
    assert.throws(() => rig.access.local(), fails('UNAUTHENTICATED', /switched off/));
  });

  test('separate duties: one person is not author, certifier and approver', () => {
    const duty = (name: string, identity: string): { duty: string; actor: { identity: string; name: string } } => ({
      duty: name,
      actor: { identity, name: identity },
    });
    assertDifferentPeople([duty('author', 'ada'), duty('certifier', 'bea'), duty('approver', 'cy')]);
    assert.throws(
      () => assertDifferentPeople([duty('author', 'ada'), duty('certifier', 'bea'), duty('approver', 'ada')]),
      fails(
        'PERMISSION_DENIED',
        /"ada" is the author and cannot be the approver as well: author, certifier, approver have to be different people/,
      ),
    );
  });
});
