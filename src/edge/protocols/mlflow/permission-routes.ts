import { everyRecord } from '#access';
import type { Access } from '#access';
import type { Grant, GuardedKind } from '#contract';

import { exchange } from './exchange.ts';
import { required, text } from './message.ts';
import type { RecordLookups } from './authorize.ts';
import { requireRecord } from './lookups.ts';
import type { Caller, MlflowRoute } from './port.ts';
import { callerOf, experimentPermission, kindNamed, levelNamed, modelPermission, requireSelfOrAdmin, userNamed } from './users.ts';

const users = '/3.0/mlflow/users';

export interface PermissionOptions {
  readonly access: Access;
  readonly lookups: RecordLookups;
}

/** Permissions on experiments and models, as MLflow's clients grant them: since 3.12 by user, before by kind of record. */
export function permissionRoutes(options: PermissionOptions): readonly MlflowRoute[] {
  return [
    ...byUser(options),
    ...byRecord(options, {
      kind: 'experiment',
      path: '/2.0/mlflow/experiments/permissions',
      named: 'experiment_id',
      answers: 'experiment_permission',
      message: experimentPermission,
    }),
    ...byRecord(options, {
      kind: 'registered_model',
      path: '/2.0/mlflow/registered-models/permissions',
      named: 'name',
      answers: 'registered_model_permission',
      message: modelPermission,
    }),
  ];
}

function byUser(options: PermissionOptions): readonly MlflowRoute[] {
  const { access } = options;
  const target = { username: required(text), resource_type: required(text), resource_id: required(text) };
  const listed = async (username: string): Promise<object> => {
    const identity = await userNamed(access, username);
    const grants = await access.grants.list({ identity: identity.id });
    // What was granted to somebody alone stands under a role of their own there.
    const own = { id: 0, name: `__user_${identity.id}__`, grants };
    const permissions = [own, ...(await access.teams.list(identity.id))].flatMap(({ id, name, grants: held }) =>
      held.map(({ kind, record, level }) => ({
        role_id: id,
        role_name: name,
        workspace: 'default',
        resource_type: kind,
        resource_pattern: record,
        permission: level,
      })),
    );
    return { is_admin: identity.roles.includes('admin'), permissions };
  };
  return [
    exchange({
      method: 'POST',
      path: `${users}/permissions/grant`,
      permission: 'read',
      request: { ...target, permission: required(text) },
      run: async ({ username, resource_type: type, resource_id: record, permission }, call) => {
        await grant(options, callerOf(call), { username, kind: kindNamed(type), record, permission }, 'new');
      },
    }),
    exchange({
      method: 'POST',
      path: `${users}/permissions/revoke`,
      permission: 'read',
      request: target,
      run: async ({ username, resource_type: type, resource_id: record }, call) => {
        const { id } = await userNamed(access, username);
        await access.grants.revoke(id, { kind: kindNamed(type), record }, callerOf(call).principal);
      },
    }),
    exchange({
      method: 'GET',
      path: `${users}/permissions/get`,
      permission: 'read',
      request: target,
      run: async ({ username, resource_type: type, resource_id: record }, call) => {
        requireSelfOrAdmin(callerOf(call), username);
        const kind = kindNamed(type);
        const { id } = await userNamed(access, username);
        const rights = await access.grants.rightsOfIdentity(id);
        return { allowed: rights.may('use', kind, record), permission: rights.level(kind, record) };
      },
    }),
    exchange({
      method: 'GET',
      path: `${users}/permissions/list`,
      permission: 'read',
      request: { username: required(text) },
      run: async ({ username }, call) => {
        requireSelfOrAdmin(callerOf(call), username);
        return listed(username);
      },
    }),
    exchange({
      method: 'GET',
      path: `${users}/current/permissions`,
      permission: 'read',
      request: {},
      run: async (_message, call) => {
        const { principal } = callerOf(call);
        return principal.via === 'local' ? { is_admin: false, permissions: [] } : listed(principal.identity.name);
      },
    }),
  ];
}

interface KindOfRecord {
  readonly kind: GuardedKind;
  readonly path: string;
  /** The member that names the record. */
  readonly named: 'experiment_id' | 'name';
  readonly answers: string;
  readonly message: (grant: Grant) => object;
}

function byRecord(options: PermissionOptions, { kind, path, named, answers, message }: KindOfRecord): readonly MlflowRoute[] {
  const { access } = options;
  const target = { [named]: required(text), username: required(text) };
  const recordOf = (values: Readonly<Record<string, string>>) => ({ kind, record: values[named] });
  return [
    exchange({
      method: 'POST',
      path: `${path}/create`,
      permission: 'read',
      request: { ...target, permission: required(text) },
      run: async (values, call) => {
        const { username, permission } = values;
        const given = await grant(options, callerOf(call), { username, permission, ...recordOf(values) }, 'new');
        return { [answers]: message(given) };
      },
    }),
    exchange({
      method: 'GET',
      path: `${path}/get`,
      permission: 'read',
      request: target,
      run: async (values, call) => {
        requireSelfOrAdmin(callerOf(call), values['username']);
        const { id } = await userNamed(access, values['username']);
        return { [answers]: message(await access.grants.find(id, recordOf(values))) };
      },
    }),
    exchange({
      method: 'PATCH',
      path: `${path}/update`,
      permission: 'read',
      request: { ...target, permission: required(text) },
      run: async (values, call) => {
        const { username, permission } = values;
        await grant(options, callerOf(call), { username, permission, ...recordOf(values) }, 'change');
      },
    }),
    exchange({
      method: 'DELETE',
      path: `${path}/delete`,
      permission: 'read',
      request: target,
      run: async (values, call) => {
        const { id } = await userNamed(access, values['username']);
        await access.grants.revoke(id, recordOf(values), callerOf(call).principal);
      },
    }),
  ];
}

async function grant(
  options: PermissionOptions,
  { principal }: Caller,
  input: { readonly username: string; readonly kind: GuardedKind; readonly record: string; readonly permission: string },
  how: 'new' | 'change',
): Promise<Grant> {
  const level = levelNamed(input.permission);
  const { id } = await userNamed(options.access, input.username);
  if (input.record !== everyRecord) await requireRecord(options.lookups, input.kind, input.record);
  return options.access.grants.give({ identity: id, kind: input.kind, record: input.record, level }, principal, how);
}
