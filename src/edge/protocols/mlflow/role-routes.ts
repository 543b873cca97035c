import { everyRecord, requirePermission } from '#access';
import type { Access } from '#access';
import type { Team, TeamGrant, TeamMember } from '#contract';
import { GyreError } from '#core';
import { exchange } from './exchange.ts';
import { requireRecord } from './lookups.ts';
import { integer, list, required, text } from './message.ts';
import type { PermissionOptions } from './permission-routes.ts';
import type { Caller, MlflowRoute } from './port.ts';
import { callerOf, kindNamed, levelNamed, requireSelfOrAdmin, userNamed } from './users.ts';

const api = '/3.0/mlflow/roles';
const workspace = 'default';

/**
 * MLflow's roles (mlflow/server/auth, since 3.11): permissions on records, given to people together. They are our teams; what we call roles
 * says what somebody may do at all. There is one workspace, `default`.
 */
export function roleRoutes({ access, lookups }: PermissionOptions): readonly MlflowRoute[] {
  const { teams } = access;
  return [
    exchange({
      method: 'POST',
      path: `${api}/create`,
      permission: 'administer',
      request: { name: required(text), workspace: required(text), description: text },
      run: async ({ name, workspace: place, description }, call) => {
        requireWorkspace(place);
        requireName(name);
        const input = { name, ...(description === undefined ? {} : { description }) };
        return { role: roleMessage(await teams.create(input, callerOf(call).principal.actor)) };
      },
    }),
    exchange({
      method: 'GET',
      path: `${api}/get`,
      permission: 'read',
      request: { role_id: required(integer) },
      run: async ({ role_id: id }, call) => {
        await requireMember(access, callerOf(call));
        return { role: roleMessage(await roleOf(access, id)) };
      },
    }),
    exchange({
      method: 'GET',
      path: `${api}/list`,
      permission: 'read',
      request: { workspace: list(text) },
      run: async ({ workspace: places }, call) => {
        await requireMember(access, callerOf(call));
        const isAsked = places.length === 0 || places.includes(workspace);
        return { roles: isAsked ? (await teams.list()).map(roleMessage) : [] };
      },
    }),
    exchange({
      method: 'PATCH',
      path: `${api}/update`,
      permission: 'administer',
      request: { role_id: required(integer), name: text, description: text },
      run: async ({ role_id: id, name, description }, call) => {
        if (name === undefined && description === undefined)
          throw new GyreError('INVALID_ARGUMENT', "At least one of 'name' or 'description' must be provided to update a role.");
        if (name !== undefined) requireName(name);
        await roleOf(access, id);
        const change = { ...(name === undefined ? {} : { name }), ...(description === undefined ? {} : { description }) };
        return { role: roleMessage(await teams.change(id, change, callerOf(call).principal.actor)) };
      },
    }),
    exchange({
      method: 'DELETE',
      path: `${api}/delete`,
      permission: 'administer',
      request: { role_id: required(integer) },
      run: async ({ role_id: id }, call) => {
        await roleOf(access, id);
        await teams.delete(id, callerOf(call).principal.actor);
      },
    }),
    ...permissionsOfRoles({ access, lookups }),
    ...assignments(access),
  ];
}

function permissionsOfRoles({ access, lookups }: PermissionOptions): readonly MlflowRoute[] {
  const { teams } = access;
  return [
    exchange({
      method: 'POST',
      path: `${api}/permissions/add`,
      permission: 'administer',
      request: {
        role_id: required(integer),
        resource_type: required(text),
        resource_pattern: required(text),
        permission: required(text),
      },
      run: async ({ role_id: id, resource_type: type, resource_pattern: record, permission }, call) => {
        const kind = kindNamed(type);
        const level = levelNamed(permission);
        await roleOf(access, id);
        if (record !== everyRecord) await requireRecord(lookups, kind, record);
        const granted = await teams.give(id, { kind, record, level }, callerOf(call).principal.actor, 'new');
        return { role_permission: permissionMessage(granted) };
      },
    }),
    exchange({
      method: 'DELETE',
      path: `${api}/permissions/remove`,
      permission: 'administer',
      request: { role_permission_id: required(integer) },
      run: async ({ role_permission_id: id }, call) => {
        await teams.revoke(id, callerOf(call).principal.actor);
      },
    }),
    exchange({
      method: 'GET',
      path: `${api}/permissions/list`,
      permission: 'read',
      request: { role_id: required(integer) },
      run: async ({ role_id: id }, call) => {
        await requireMember(access, callerOf(call));
        return { role_permissions: (await roleOf(access, id)).grants.map(permissionMessage) };
      },
    }),
    exchange({
      method: 'PATCH',
      path: `${api}/permissions/update`,
      permission: 'administer',
      request: { role_permission_id: required(integer), permission: required(text) },
      run: async ({ role_permission_id: id, permission }, call) => ({
        role_permission: permissionMessage(await teams.changeGrant(id, levelNamed(permission), callerOf(call).principal.actor)),
      }),
    }),
  ];
}

function assignments(access: Access): readonly MlflowRoute[] {
  const { teams } = access;
  const target = { username: required(text), role_id: required(integer) };
  return [
    exchange({
      method: 'POST',
      path: `${api}/assign`,
      permission: 'administer',
      request: target,
      run: async ({ username, role_id: id }, call) => {
        const user = await userNamed(access, username);
        await roleOf(access, id);
        return { assignment: assignmentMessage(await teams.join(id, user.id, callerOf(call).principal.actor)) };
      },
    }),
    exchange({
      method: 'DELETE',
      path: `${api}/unassign`,
      permission: 'administer',
      request: target,
      run: async ({ username, role_id: id }, call) => {
        const user = await userNamed(access, username);
        await roleOf(access, id);
        await teams.leave(id, user.id, callerOf(call).principal.actor);
      },
    }),
    exchange({
      method: 'GET',
      path: `${api}/users/list`,
      permission: 'administer',
      request: { role_id: required(integer) },
      run: async ({ role_id: id }) => ({ assignments: (await roleOf(access, id)).members.map(assignmentMessage) }),
    }),
    exchange({
      method: 'GET',
      path: '/3.0/mlflow/users/roles/list',
      permission: 'read',
      request: { username: required(text) },
      run: async ({ username }, call) => {
        requireSelfOrAdmin(callerOf(call), username);
        const { id } = await userNamed(access, username);
        return { roles: (await teams.list(id)).map(roleMessage) };
      },
    }),
  ];
}

/** A team as MLflow's clients know it. */
export function roleMessage({ id, name, description, grants }: Team): object {
  return { id, name, workspace, description: description ?? null, permissions: grants.map(permissionMessage) };
}

function permissionMessage({ id, team, kind, record, level }: TeamGrant): object {
  return { id, role_id: team, resource_type: kind, resource_pattern: record, permission: level };
}

function assignmentMessage({ id, team, identity }: TeamMember): object {
  return { id, user_id: identity, role_id: team };
}

/** @throws GyreError NOT_FOUND in MLflow's words */
async function roleOf({ teams }: Access, id: number): Promise<Team> {
  const found = (await teams.list()).find((team) => team.id === id);
  if (found === undefined) throw new GyreError('NOT_FOUND', `Role with id=${id} not found`);
  return found;
}

/** @throws GyreError PERMISSION_DENIED unless the caller is an admin or belongs to some team: as in MLflow, members see the roles that there are */
async function requireMember({ teams }: Access, { principal }: Caller): Promise<void> {
  if (principal.via !== 'local' && (await teams.list(principal.identity.id)).length > 0) return;
  requirePermission(principal, 'administer');
}

function requireWorkspace(name: string): void {
  if (name !== workspace)
    throw new GyreError('INVALID_ARGUMENT', `Workspace '${name.slice(0, 200)}' not found: this server has '${workspace}'`);
}

function requireName(name: string): void {
  if (name.trim() === '') throw new GyreError('INVALID_ARGUMENT', 'Role name cannot be empty.');
  if (name.length > 128) throw new GyreError('INVALID_ARGUMENT', `Role name '${name.slice(0, 32)}…' has more than 128 characters.`);
}
