import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { addressesOf, mlflowRoutes } from '#mlflow';
import { openBench } from './testing.ts';
import type { AskOptions, Bench } from './testing.ts';

const api = '/api/2.0/mlflow';
const users = '/api/3.0/mlflow/users';
const password = 'correct horse battery';
const basic = (name: string, secret: string): string => `Basic ${Buffer.from(`${name}:${secret}`).toString('base64')}`;
/** A path as somebody asks it. */
const asked = (path: string): string => path.replace(/:[a-z_]+/g, 'x').replace('*', '0/x/artifacts/file.txt');

async function refused(response: Response, status: number, code: string): Promise<string> {
  const text = await response.text();
  assert.equal(response.status, status, text);
  const { error_code: said, message } = JSON.parse(text) as { error_code: string; message: string };
  assert.equal(said, code, message);
  return message;
}

describe('whoever calls the MLflow API', () => {
  describe('without the identity local', () => {
    let bench: Bench;
    let admin: string;
    let experiment: string;
    before(async () => {
      bench = await openBench();
      admin = bench.tokens.admin;
      experiment = (await bench.deps.training.ensureExperiment('churn')).id;
    });
    after(() => bench[Symbol.asyncDispose]());

    const as = (name: string, secret: string, path: string, options: AskOptions = {}): Promise<Response> =>
      bench.ask(path, { ...options, headers: { authorization: basic(name, secret), ...options.headers } });
    const send = (method: string, path: string, body: object, token = admin): Promise<Response> => bench.ask(path, { method, token, body });
    const user = async (name: string): Promise<string> => {
      const response = await send('POST', `${api}/users/create`, { username: name, password });
      assert.equal(response.status, 200, await response.clone().text());
      return ((await response.json()) as { user: { id: string } }).user.id;
    };

    test('is asked who it is on every route, in the protocol’s words and with a challenge', async () => {
      for (const route of mlflowRoutes(bench.deps)) {
        if (route.permission === 'public') continue;
        for (const address of addressesOf(route)) {
          for (const authorization of ['', 'Bearer gyre_wrong', basic('', ''), 'Basic !']) {
            const response = await bench.ask(asked(address), {
              method: route.method,
              headers: authorization === '' ? {} : { authorization },
            });
            assert.equal(response.headers.get('www-authenticate'), 'Basic realm="mlflow"', `${route.method} ${address}`);
            await refused(response, 401, 'UNAUTHENTICATED');
          }
        }
      }
    });

    test('meets a route that names what it does to which record', () => {
      const unnamed = mlflowRoutes(bench.deps).filter(({ isGuarded }) => !isGuarded);
      assert.deepEqual(
        unnamed.map(({ method, path }) => `${method} ${path}`),
        [],
        'name them in src/edge/protocols/mlflow/route-guards.ts',
      );
    });

    test('may be who has the route’s permission by a role, and nobody else', async () => {
      for (const route of mlflowRoutes(bench.deps)) {
        if (route.permission === 'public' || route.permission === 'read') continue;
        const token = route.permission === 'log' ? bench.tokens.stakeholder : bench.tokens['data-scientist'];
        for (const address of addressesOf(route)) {
          const response = await bench.ask(asked(address), { method: route.method, token });
          assert.match(await refused(response, 403, 'PERMISSION_DENIED'), /permission "(log|administer)" is needed/, address);
        }
      }
    });

    test('comes with a token as bearer, a token as password, or a name and password', async () => {
      await user('ada');
      const current = async (response: Promise<Response>): Promise<unknown> => (await response).json();
      const scientist = bench.tokens['data-scientist'];
      const known = { username: 'the-data-scientist', is_admin: false };
      const byToken = await current(bench.ask(`${api}/users/current`, { token: scientist }));
      assert.deepEqual(byToken, { user: { ...known, id: (byToken as { user: { id: string } }).user.id }, is_basic_auth: false });
      assert.deepEqual(await current(as('whoever', scientist, `${api}/users/current`)), byToken);
      const byPassword = (await current(as('ada', password, `${api}/users/current`))) as {
        user: { username: string };
        is_basic_auth: boolean;
      };
      assert.deepEqual([byPassword.user.username, byPassword.is_basic_auth], ['ada', true]);
      await refused(await as('ada', 'wrong horse battery', `${api}/users/current`), 401, 'UNAUTHENTICATED');
    });

    test('cannot be a browser that another site sends with the password it remembers', async () => {
      await user('bob');
      const headers = { 'sec-fetch-site': 'cross-site' };
      await refused(await as('bob', password, `${api}/users/current`, { headers }), 403, 'PERMISSION_DENIED');
      const origin = { origin: 'https://elsewhere.example' };
      await refused(await as('bob', password, `${api}/users/current`, { headers: origin }), 403, 'PERMISSION_DENIED');
    });

    test('is a user that an admin made, looks at, promotes and deletes; names are not given twice', async () => {
      const id = await user('cy');
      assert.match(
        await refused(await send('POST', `${api}/users/create`, { username: 'cy', password }), 400, 'RESOURCE_ALREADY_EXISTS'),
        /"cy"/,
      );
      const get = async (token: string): Promise<Response> => bench.ask(`${api}/users/get?username=cy`, { token });
      const shown = { id, username: 'cy', experiment_permissions: [], registered_model_permissions: [], scorer_permissions: [] };
      assert.deepEqual(await (await get(admin)).json(), { user: { ...shown, is_admin: false } });
      await refused(await get(bench.tokens['data-scientist']), 403, 'PERMISSION_DENIED');
      const self = await as('cy', password, `${api}/users/get?username=cy`);
      assert.equal(self.status, 200);
      await send('PATCH', `${api}/users/update-admin`, { username: 'cy', is_admin: true });
      assert.deepEqual(await (await get(admin)).json(), { user: { ...shown, is_admin: true } });
      await send('PATCH', `${api}/users/update-admin`, { username: 'cy', is_admin: false });
      assert.deepEqual((await bench.deps.access.getIdentity('cy')).roles, ['data-scientist']);
      const listed = (await (await bench.ask(`${api}/users/list`, { token: admin })).json()) as { users: { username: string }[] };
      assert.ok(listed.users.some(({ username }) => username === 'cy'));
      assert.equal((await send('DELETE', `${api}/users/delete`, { username: 'cy' })).status, 200);
      await refused(await get(admin), 404, 'RESOURCE_DOES_NOT_EXIST');
      await refused(await as('cy', password, `${api}/users/current`), 401, 'UNAUTHENTICATED');
      assert.match(
        await refused(await send('DELETE', `${api}/users/delete`, { username: 'the-admin' }), 400, 'BAD_REQUEST'),
        /cannot delete their own account/,
      );
    });

    test('gives a user no name or password that could not be used, and leaves nothing behind', async () => {
      for (const body of [
        { username: 'a b', password },
        { username: 'dora', password: 'short' },
        { username: '', password },
        { username: 'dora' },
      ])
        await refused(await send('POST', `${api}/users/create`, body), 400, 'INVALID_PARAMETER_VALUE');
      await refused(await bench.ask(`${api}/users/get?username=dora`, { token: admin }), 404, 'RESOURCE_DOES_NOT_EXIST');
    });

    test('changes its own password by the present one, and an admin anybody’s', async () => {
      await user('eve');
      const next = 'another horse battery';
      const change = (body: object): Promise<Response> =>
        as('eve', password, `${api}/users/update-password`, { method: 'PATCH', body: { username: 'eve', password: next, ...body } });
      assert.match(await refused(await change({}), 400, 'INVALID_PARAMETER_VALUE'), /Current password is required/);
      await refused(await change({ current_password: 'wrong horse battery' }), 400, 'INVALID_PARAMETER_VALUE');
      assert.equal((await change({ current_password: password })).status, 200);
      await refused(await as('eve', password, `${api}/users/current`), 401, 'UNAUTHENTICATED');
      assert.equal((await as('eve', next, `${api}/users/current`)).status, 200);
      assert.equal((await send('PATCH', `${api}/users/update-password`, { username: 'eve', password })).status, 200);
      assert.equal((await as('eve', password, `${api}/users/current`)).status, 200);
      await refused(
        await send('PATCH', `${api}/users/update-password`, { username: 'eve', password: next }, bench.tokens['data-scientist']),
        403,
        'PERMISSION_DENIED',
      );
    });

    test('grants permissions on records as clients do since 3.12', async () => {
      await user('fay');
      const target = { username: 'fay', resource_type: 'experiment', resource_id: experiment };
      const query = new URLSearchParams(target).toString();
      const effective = async (): Promise<unknown> => (await bench.ask(`${users}/permissions/get?${query}`, { token: admin })).json();
      assert.deepEqual(await effective(), { allowed: true, permission: 'EDIT' });
      assert.equal((await send('POST', `${users}/permissions/grant`, { ...target, permission: 'DENY' })).status, 200);
      assert.deepEqual(await effective(), { allowed: false, permission: 'NO_PERMISSIONS' });
      await refused(await send('POST', `${users}/permissions/grant`, { ...target, permission: 'READ' }), 400, 'RESOURCE_ALREADY_EXISTS');
      const listed = (await (await as('fay', password, `${users}/current/permissions`)).json()) as { permissions: object[] };
      assert.deepEqual(
        listed.permissions.map((row) => ({ ...row, role_name: '' })),
        [
          {
            role_id: 0,
            role_name: '',
            workspace: 'default',
            resource_type: 'experiment',
            resource_pattern: experiment,
            permission: 'DENY',
          },
        ],
      );
      const revoke = (): Promise<Response> => send('POST', `${users}/permissions/revoke`, target);
      assert.equal((await revoke()).status, 200);
      await refused(await revoke(), 404, 'RESOURCE_DOES_NOT_EXIST');
      for (const [change, status, code] of [
        [{ permission: 'ALL' }, 400, 'INVALID_PARAMETER_VALUE'],
        [{ resource_type: 'workspace', permission: 'READ' }, 400, 'INVALID_PARAMETER_VALUE'],
        [{ resource_id: '4711', permission: 'READ' }, 404, 'RESOURCE_DOES_NOT_EXIST'],
        [{ username: 'nobody', permission: 'READ' }, 404, 'RESOURCE_DOES_NOT_EXIST'],
      ] as const)
        await refused(await send('POST', `${users}/permissions/grant`, { ...target, ...change }), status, code);
      await refused(
        await send('POST', `${users}/permissions/grant`, { ...target, permission: 'READ' }, bench.tokens['data-scientist']),
        403,
        'PERMISSION_DENIED',
      );
    });

    test('grants permissions on experiments as older clients do', async () => {
      const id = await user('gil');
      const path = `${api}/experiments/permissions`;
      const target = { experiment_id: experiment, username: 'gil' };
      const get = (): Promise<Response> => bench.ask(`${path}/get?${new URLSearchParams(target).toString()}`, { token: admin });
      await refused(await get(), 404, 'RESOURCE_DOES_NOT_EXIST');
      const made: unknown = await (await send('POST', `${path}/create`, { ...target, permission: 'READ' })).json();
      assert.deepEqual(made, { experiment_permission: { experiment_id: experiment, user_id: id, permission: 'READ' } });
      assert.equal((await send('PATCH', `${path}/update`, { ...target, permission: 'NO_PERMISSIONS' })).status, 200);
      assert.deepEqual(await (await get()).json(), {
        experiment_permission: { experiment_id: experiment, user_id: id, permission: 'NO_PERMISSIONS' },
      });
      assert.equal((await send('DELETE', `${path}/delete`, target)).status, 200);
      await refused(await send('PATCH', `${path}/update`, { ...target, permission: 'READ' }), 404, 'RESOURCE_DOES_NOT_EXIST');
    });
  });

  test('is the identity local on this machine, which reads and logs, and does nothing else', async () => {
    await using bench = await openBench({ allowLocal: true });
    for (const route of mlflowRoutes(bench.deps)) {
      if (route.permission === 'public') continue;
      for (const address of addressesOf(route)) {
        const response = await bench.ask(asked(address), { method: route.method });
        if (route.permission === 'read' || route.permission === 'log') assert.notEqual(response.status, 401, address);
        else await refused(response, 403, 'PERMISSION_DENIED');
      }
    }
    const experiment = (await bench.deps.training.ensureExperiment('churn')).id;
    const target = { username: 'the-qa', resource_type: 'experiment', resource_id: experiment };
    const write = (method: string, path: string, body: object): Promise<Response> => bench.ask(path, { method, body });
    await refused(await write('POST', `${users}/permissions/grant`, { ...target, permission: 'MANAGE' }), 403, 'PERMISSION_DENIED');
    await refused(await write('POST', `${users}/permissions/revoke`, target), 403, 'PERMISSION_DENIED');
    await refused(await write('PATCH', `${api}/users/update-password`, { username: 'the-admin', password }), 403, 'PERMISSION_DENIED');
    await refused(await bench.ask(`${api}/users/get?username=the-admin`), 403, 'PERMISSION_DENIED');
  });
});
