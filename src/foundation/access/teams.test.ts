import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { hasCode } from '#core';
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

function suite(name: string, place: () => StoreOptions, skip: string | false): void {
  describe(`teams on ${name}`, { skip }, () => {
    let rig: AccessRig;
    let access: Access;
    let ada: Principal;

    beforeEach(async () => {
      rig = await withAccess({ place: place() });
      access = rig.again({ defaultLevel: 'NO_PERMISSIONS' });
      await access.bootstrap();
      for (const who of ['ada', 'bea']) await access.createIdentity({ name: who, roles: ['data-scientist'] }, by);
      ada = await access.authenticate((await access.issueToken({ identity: 'ada', label: 'x' }, by)).secret);
    });
    afterEach(() => rig[Symbol.asyncDispose]());

    const mayOf = async (action: 'read' | 'update', { kind, record }: typeof experiment | typeof model): Promise<boolean> =>
      (await access.grants.rightsOf(ada)).may(action, kind, record);

    test('give their members what they were granted, at once, and take it when they are left', async () => {
      const { teams } = access;
      const { id } = await teams.create({ name: 'risk', description: 'who scores' }, by);
      const granted = await teams.give('risk', { ...experiment, level: 'READ' }, by);
      assert.equal(await mayOf('read', experiment), false);
      await teams.join(id, 'ada', by);
      assert.deepEqual([await mayOf('read', experiment), await mayOf('update', experiment)], [true, false]);
      await teams.changeGrant(granted.id, 'EDIT', by);
      assert.equal(await mayOf('update', experiment), true);
      const [team] = await teams.list('ada');
      assert.deepEqual(
        [team.name, team.description, team.grants.map(({ level }) => level), team.members.map(({ identityName }) => identityName)],
        ['risk', 'who scores', ['EDIT'], ['ada']],
      );
      assert.deepEqual(await teams.list('bea'), []);
      await teams.leave('risk', 'ada', by);
      assert.equal(await mayOf('read', experiment), false);
    });

    test('meet what somebody was granted themselves: DENY wins, else the highest', async () => {
      const { teams } = access;
      const root = await access.authenticate((await access.issueToken({ identity: 'owner', label: 'x' }, by)).secret);
      for (const name of ['readers', 'writers', 'barred']) {
        await teams.create({ name }, by);
        await teams.join(name, 'ada', by);
      }
      await access.grants.give({ ...experiment, identity: 'ada', level: 'READ' }, root);
      await teams.give('writers', { ...experiment, level: 'EDIT' }, by);
      await teams.give('readers', { ...experiment, level: 'READ' }, by);
      assert.equal(await mayOf('update', experiment), true);
      await teams.give('barred', { ...experiment, level: 'DENY' }, by);
      assert.equal(await mayOf('read', experiment), false);
      await teams.delete('barred', by);
      assert.equal(await mayOf('update', experiment), true);
    });

    test('are granted what follows a record to its new name, and ends with it', async () => {
      const { teams, grants } = access;
      await teams.create({ name: 'risk' }, by);
      await teams.give('risk', { ...model, level: 'READ' }, by);
      await rig.store.write((tx) => grants.renamed(tx, model, 'scoring'), undefined);
      assert.deepEqual(
        (await teams.get('risk')).grants.map(({ record }) => record),
        ['scoring'],
      );
      await rig.store.write((tx) => grants.deleted(tx, { kind: 'registered_model', record: 'scoring' }), undefined);
      assert.deepEqual((await teams.get('risk')).grants, []);
    });

    test('have a name of their own that is more than a number, and are found by id or name', async () => {
      const { teams } = access;
      const { id } = await teams.create({ name: 'risk' }, by);
      await teams.create({ name: 'churn' }, by);
      await assert.rejects(teams.create({ name: 'risk' }, by), (error) => hasCode(error, 'ALREADY_EXISTS'));
      await assert.rejects(teams.change('churn', { name: 'risk' }, by), (error) => hasCode(error, 'ALREADY_EXISTS'));
      await assert.rejects(teams.create({ name: '12' }, by), (error) => hasCode(error, 'INVALID_ARGUMENT'));
      assert.equal((await teams.change(String(id), { name: 'fraud', description: 'renamed' }, by)).name, 'fraud');
      await assert.rejects(teams.get('risk'), (error) => hasCode(error, 'NOT_FOUND'));
      await assert.rejects(teams.get('99999999999999999999'), (error) => hasCode(error, 'NOT_FOUND'));
    });

    test('refuse what is there already or is not, and who is disabled, who leaves them', async () => {
      const { teams } = access;
      await teams.create({ name: 'risk' }, by);
      await teams.give('risk', { ...experiment, level: 'READ' }, by, 'new');
      await assert.rejects(teams.give('risk', { ...experiment, level: 'EDIT' }, by, 'new'), (error) => hasCode(error, 'ALREADY_EXISTS'));
      await teams.join('risk', 'bea', by);
      await assert.rejects(teams.join('risk', 'bea', by), (error) => hasCode(error, 'ALREADY_EXISTS'));
      await access.disableIdentity('bea', by);
      assert.deepEqual((await teams.get('risk')).members, []);
      await assert.rejects(teams.join('risk', 'bea', by), (error) => hasCode(error, 'FAILED_PRECONDITION'));
      await assert.rejects(teams.leave('risk', 'ada', by), (error) => hasCode(error, 'NOT_FOUND'));
      await teams.revoke({ team: 'risk', ...experiment }, by);
      await assert.rejects(teams.revoke({ team: 'risk', ...experiment }, by), (error) => hasCode(error, 'NOT_FOUND'));
      const told = (await rig.events.read({})).map(({ type }) => type).filter((type) => type.startsWith('dev.gyre.team.'));
      assert.deepEqual(
        told,
        ['created', 'granted', 'joined', 'revoked'].map((verb) => `dev.gyre.team.${verb}.v1`),
      );
    });
  });
}

suite('SQLite', () => ({ url: 'sqlite::memory:' }), false);
const skipPostgres = await whyNoPostgres();
suite('PostgreSQL', () => ({ url: postgresUrl, schema: `gyre_test_${randomUUID().replaceAll('-', '')}` }), skipPostgres);
