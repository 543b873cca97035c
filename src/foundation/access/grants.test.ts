import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { Actor, GuardedRecord } from '#contract';
import { hasCode } from '#core';
import type { ErrorCode } from '#core';
import { openStore } from '#store';
import type { StoreOptions } from '#store';
import type { Access, Principal } from './index.ts';
import { withAccess } from './testing.ts';
import type { AccessRig } from './testing.ts';

const by = { identity: 'id-0', name: 'root' };
const experiment = { kind: 'experiment', record: '1' } as const;
const model = { kind: 'registered_model', record: 'fraud' } as const;
const postgresUrl = process.env['GYRE_TEST_POSTGRES'] ?? 'postgres://postgres@127.0.0.1:5432/postgres';

async function whyNoPostgres(): Promise<string | false> {
  try {
    await using _store = await openStore({ url: postgresUrl, schema: 'public' });
    return false;
  } catch (error) {
    return `no PostgreSQL answers (${String(error)}); GYRE_TEST_POSTGRES names one`;
  }
}

const fails =
  (code: ErrorCode, words: RegExp) =>
  (error: unknown): boolean => {
    assert.ok(hasCode(error, code), String(error));
    assert.match(error.message, words);
    return true;
  };

function suite(name: string, place: () => StoreOptions, skip: string | false): void {
  describe(`access to records on ${name}`, { skip }, () => {
    let rig: AccessRig;
    let access: Access;
    let ada: Principal;
    let bea: Principal;
    let root: Principal;

    const own = (record: GuardedRecord, maker: Actor): Promise<void> =>
      rig.store.write((tx) => access.grants.own(tx, record, maker), undefined);
    const recognise = async (identity: string): Promise<Principal> =>
      access.authenticate((await access.issueToken({ identity, label: 'x' }, by)).secret);

    beforeEach(async () => {
      rig = await withAccess({ place: place() });
      ({ access } = rig);
      const owner = await access.bootstrap();
      root = await access.authenticate(String(owner?.secret));
      await access.createIdentity({ name: 'ada', roles: ['data-scientist'] }, by);
      await access.createIdentity({ name: 'bea', roles: ['data-scientist'] }, by);
      ada = await recognise('ada');
      bea = await recognise('bea');
    });
    afterEach(() => rig[Symbol.asyncDispose]());

    test('whoever made a record manages it, and may give others a part; who does not manage may not', async () => {
      access = rig.again({ defaultLevel: 'NO_PERMISSIONS' });
      const { grants } = access;
      await own(experiment, ada.actor);
      assert.equal((await grants.rightsOf(ada)).may('manage', 'experiment', '1'), true);
      assert.equal((await grants.rightsOf(bea)).may('read', 'experiment', '1'), false);
      await assert.rejects(
        grants.give({ ...experiment, identity: 'bea', level: 'EDIT' }, bea),
        fails('PERMISSION_DENIED', /MANAGE on the experiment "1", or the role admin, is needed .* "bea" has not/),
      );
      const grant = await grants.give({ ...experiment, identity: 'bea', level: 'READ' }, ada);
      assert.deepEqual([grant.level, grant.grantedBy], ['READ', ada.identity.id]);
      assert.equal((await grants.rightsOf(bea)).may('read', 'experiment', '1'), true);
      assert.equal((await grants.rightsOf(bea)).may('update', 'experiment', '1'), false);
      await grants.revoke('bea', experiment, ada);
      assert.equal((await grants.rightsOf(bea)).may('read', 'experiment', '1'), false);
      const told = (await rig.events.read({ types: ['dev.gyre.grant.given.v1', 'dev.gyre.grant.revoked.v1'] })).map(({ data }) => data);
      assert.deepEqual(told, [
        { identity: bea.identity.id, kind: 'experiment', record: '1', level: 'READ' },
        { identity: bea.identity.id, kind: 'experiment', record: '1' },
      ]);
    });

    test('only an admin grants on every record of a kind, and needs no grant', async () => {
      const every = { kind: 'experiment', record: '*', identity: 'bea', level: 'DENY' } as const;
      await own({ kind: 'experiment', record: '*' }, ada.actor);
      await assert.rejects(access.grants.give(every, ada), fails('PERMISSION_DENIED', /the role admin is needed/));
      await access.grants.give(every, root);
      assert.equal((await access.grants.rightsOf(bea)).may('read', 'experiment', '7'), false);
      assert.equal((await access.grants.rightsOf(root)).may('manage', 'experiment', '7'), true);
    });

    test('a grant is new or changed where that is asked, and says when it is not', async () => {
      const { grants } = access;
      const input = { ...model, identity: 'bea', level: 'READ' } as const;
      await assert.rejects(
        grants.give(input, root, 'change'),
        fails('NOT_FOUND', /nothing was granted to "bea" on the registered model "fraud"/),
      );
      await grants.give(input, root, 'new');
      await assert.rejects(grants.give(input, root, 'new'), fails('ALREADY_EXISTS', /"bea" was granted READ on/));
      await grants.give({ ...input, level: 'EDIT' }, root, 'change');
      assert.equal((await grants.find('bea', model)).level, 'EDIT');
      await grants.give({ ...input, level: 'USE' }, root);
      assert.deepEqual(
        (await grants.list({ identity: 'bea' })).map(({ record, level }) => [record, level]),
        [['fraud', 'USE']],
      );
      await grants.revoke('bea', model, root);
      await assert.rejects(grants.revoke('bea', model, root), fails('NOT_FOUND', /nothing was granted/));
      await assert.rejects(grants.find('bea', model), fails('NOT_FOUND', /nothing was granted/));
      await assert.rejects(grants.give({ ...input, identity: 'eve' }, root), fails('NOT_FOUND', /no identity "eve"/));
    });

    test('grants follow a record to its new name, and end with it', async () => {
      const { grants } = access;
      await grants.give({ ...model, identity: 'bea', level: 'DENY' }, root);
      await grants.give({ kind: 'registered_model', record: 'scoring', identity: 'bea', level: 'READ' }, root);
      await rig.store.write((tx) => grants.renamed(tx, model, 'scoring'), undefined);
      assert.deepEqual(
        (await grants.list({ kind: 'registered_model' })).map(({ record, level }) => [record, level]),
        [['scoring', 'DENY']],
      );
      assert.equal((await grants.rightsOf(bea)).may('read', 'registered_model', 'scoring'), false);
      await rig.store.write((tx) => grants.deleted(tx, { kind: 'registered_model', record: 'scoring' }), undefined);
      assert.equal((await grants.rightsOf(bea)).may('read', 'registered_model', 'scoring'), true);
    });

    test('asking again costs no look into the store, until something changed', async () => {
      const { grants } = access;
      await grants.rightsOf(bea);
      const before = rig.reads();
      await Promise.all(Array.from({ length: 1000 }, () => grants.rightsOf(bea)));
      assert.equal(rig.reads(), before);
      await grants.rightsOf(ada);
      await own(experiment, ada.actor);
      assert.equal((await grants.rightsOf(ada)).may('manage', 'experiment', '1'), true);
      assert.equal((await grants.rightsOf(bea)).may('manage', 'experiment', '1'), false);
      assert.equal(rig.reads(), before + 1);
      await grants.give({ ...experiment, identity: 'bea', level: 'READ' }, root);
      await Promise.all(Array.from({ length: 1000 }, () => grants.rightsOf(bea)));
      // Who grants, who is granted something, and what was granted.
      assert.equal(rig.reads(), before + 4);
    });

    test('other roles count at once; a disabled identity loses its grants and gets none', async () => {
      const { grants } = access;
      await grants.give({ ...experiment, identity: 'bea', level: 'MANAGE' }, root);
      await access.setRoles('bea', ['stakeholder'], by);
      const less = await access.authenticate((await access.issueToken({ identity: 'bea', label: 'y' }, by)).secret);
      assert.equal((await grants.rightsOf(less)).may('update', 'experiment', '1'), false);
      await access.setRoles('bea', ['admin'], by);
      assert.equal((await grants.rightsOfIdentity('bea')).may('manage', 'experiment', '2'), true);
      await access.disableIdentity('bea', by);
      assert.deepEqual(await grants.list({ record: '1' }), []);
      await assert.rejects(grants.give({ ...experiment, identity: 'bea', level: 'READ' }, root), fails('FAILED_PRECONDITION', /disabled/));
    });

    test('the last admin stays one', async () => {
      await assert.rejects(access.setRoles('owner', ['data-scientist'], by), fails('FAILED_PRECONDITION', /last admin/));
      await access.setRoles('ada', ['admin', 'admin'], by);
      assert.deepEqual((await access.getIdentity('ada')).roles, ['admin']);
      await access.setRoles('owner', ['data-scientist'], by);
    });

    test('a record that is made under the name of one that is gone begins without its grants', async () => {
      await access.grants.give({ ...model, identity: 'bea', level: 'DENY' }, root);
      assert.equal((await access.grants.rightsOf(bea)).may('read', 'registered_model', 'fraud'), false);
      await own(model, access.local().actor);
      assert.equal((await access.grants.rightsOf(bea)).may('read', 'registered_model', 'fraud'), true);
      assert.deepEqual(await access.grants.list({}), []);
    });

    test('the identity local manages nothing, and has what holds for everybody', async () => {
      const local = access.local();
      await own(experiment, local.actor);
      assert.deepEqual(await access.grants.list({}), []);
      assert.equal((await access.grants.rightsOf(local)).may('update', 'experiment', '1'), true);
      assert.equal((await rig.again({ defaultLevel: 'READ' }).grants.rightsOf(local)).may('update', 'experiment', '1'), false);
    });
  });
}

suite('SQLite', () => ({ url: 'sqlite::memory:' }), false);
const skipPostgres = await whyNoPostgres();
suite('PostgreSQL', () => ({ url: postgresUrl, schema: `gyre_test_${randomUUID().replaceAll('-', '')}` }), skipPostgres);
