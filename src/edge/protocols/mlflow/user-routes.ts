import { Check } from 'typebox/schema';
import { Name } from '#contract';
import { GyreError, hasCode } from '#core';
import { exchange } from './exchange.ts';
import { flag, required, text } from './message.ts';
import type { MlflowOptions, MlflowRoute } from './port.ts';
import { roleMessage } from './role-routes.ts';
import { callerOf, requireSelfOrAdmin, rolesOfUser, userMessage, userNamed } from './users.ts';

const api = '/2.0/mlflow/users';

/** The users of MLflow's basic-auth app (mlflow/server/auth), as `AuthServiceClient` asks for them. */
export function userRoutes({ access }: Pick<MlflowOptions, 'access'>): readonly MlflowRoute[] {
  return [
    exchange({
      method: 'POST',
      path: `${api}/create`,
      permission: 'administer',
      request: { username: required(text), password: required(text) },
      run: async ({ username, password }, call) => {
        const isName: boolean = Check(Name, username);
        if (!isName) {
          throw new GyreError(
            'INVALID_ARGUMENT',
            `Invalid username '${username.slice(0, 200)}': letters, digits, ".", "_" and "-", 128 at most`,
          );
        }
        const { actor } = callerOf(call).principal;
        const identity = await access.createIdentity({ name: username, roles: [...rolesOfUser] }, actor, password);
        return { user: userMessage(identity, []) };
      },
    }),
    exchange({
      method: 'GET',
      path: `${api}/get`,
      permission: 'read',
      request: { username: required(text) },
      run: async ({ username }, call) => {
        requireSelfOrAdmin(callerOf(call), username);
        const identity = await userNamed(access, username);
        return { user: userMessage(identity, await access.grants.list({ identity: identity.id })) };
      },
    }),
    exchange({
      method: 'GET',
      path: `${api}/current`,
      permission: 'read',
      request: {},
      run: async (_message, call) => {
        const { principal } = callerOf(call);
        const { id, name, roles } = principal.identity;
        return { user: { id, username: name, is_admin: roles.includes('admin') }, is_basic_auth: principal.via === 'password' };
      },
    }),
    exchange({
      method: 'GET',
      path: `${api}/list`,
      permission: 'administer',
      request: {},
      run: async () => {
        const identities = (await access.listIdentities()).filter(({ disabled }) => !disabled);
        const teams = await access.teams.list();
        const rolesOf = (id: string): readonly object[] =>
          teams.filter(({ members }) => members.some(({ identity }) => identity === id)).map(roleMessage);
        return {
          users: identities.map(({ id, name, roles }) => ({ id, username: name, is_admin: roles.includes('admin'), roles: rolesOf(id) })),
        };
      },
    }),
    exchange({
      method: 'PATCH',
      path: `${api}/update-password`,
      permission: 'read',
      request: { username: required(text), password: required(text), current_password: text },
      run: async ({ username, password, current_password: current }, call) => {
        const caller = callerOf(call);
        requireSelfOrAdmin(caller, username);
        const { id } = await userNamed(access, username);
        if (caller.principal.identity.id !== id) {
          await access.setPassword(id, password, caller.principal.actor);
          return undefined;
        }
        if (current === undefined || current === '')
          throw new GyreError('INVALID_ARGUMENT', 'Current password is required when changing your own password.');
        try {
          await access.changeOwnPassword(username, current, password);
        } catch (error) {
          // Whoever asks was recognised already: what is wrong is what the message says.
          if (hasCode(error, 'UNAUTHENTICATED')) throw new GyreError('INVALID_ARGUMENT', 'Current password does not match.');
          throw error;
        }
        return undefined;
      },
    }),
    exchange({
      method: 'PATCH',
      path: `${api}/update-admin`,
      permission: 'administer',
      request: { username: required(text), is_admin: required(flag) },
      run: async ({ username, is_admin: isAdmin }, call) => {
        const { id, roles } = await userNamed(access, username);
        const others = roles.filter((role) => role !== 'admin');
        const left = others.length === 0 ? [...rolesOfUser] : others;
        await access.setRoles(id, isAdmin ? [...left, 'admin'] : left, callerOf(call).principal.actor);
      },
    }),
    exchange({
      method: 'DELETE',
      path: `${api}/delete`,
      permission: 'administer',
      request: { username: required(text) },
      run: async ({ username }, call) => {
        const { principal } = callerOf(call);
        const { id } = await userNamed(access, username);
        if (id === principal.identity.id) {
          throw new GyreError('OUT_OF_RANGE', 'Users cannot delete their own account. Ask another admin to delete this user instead.');
        }
        await access.disableIdentity(id, principal.actor);
      },
    }),
  ];
}
