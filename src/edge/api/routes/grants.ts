import { Type } from 'typebox';
import { everyRecord, requirePermission } from '#access';
import { DefaultLevel, Grant, GrantInput, GuardedKind, GuardedRecord, page, strict } from '#contract';
import type { GuardedRecord as NamedRecord } from '#contract';
import { GyreError } from '#core';
import type { ApiDeps } from '../port.ts';
import { route, type Route } from '../route.ts';
import { paging } from '../shapes.ts';
import { pageOf } from './paging.ts';

const Listed = strict({ ...page(Grant).properties, default: DefaultLevel });
const identity = Type.String({ minLength: 1, maxLength: 200, description: 'by id or name' });

/** Permissions on single records. Who may grant is whoever manages the record, and an admin. */
export const grantRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/grants',
    permission: 'read',
    tag: 'access',
    summary: 'Permissions on single experiments and models, and what holds where nothing was granted',
    description: 'An admin sees all, whoever manages a record those on it, and everybody their own.',
    query: strict({
      ...paging,
      identity: Type.Optional(identity),
      kind: Type.Optional(GuardedKind),
      record: Type.Optional(GuardedRecord.properties.record),
    }),
    answer: Listed,
    handle: async ({ access }, { query, principal }) => {
      const { kind, record } = query;
      const own = principal.identity.id;
      const asked = query.identity === undefined ? undefined : (await access.getIdentity(query.identity)).id;
      const manages = kind !== undefined && record !== undefined && (await access.grants.rightsOf(principal)).may('manage', kind, record);
      if (!manages && asked !== undefined && asked !== own) requirePermission(principal, 'administer');
      const seesAll = manages || principal.permissions.has('administer');
      const whose = asked ?? (seesAll ? undefined : own);
      // The identity `local` has no grants, and no record of its own that they could be looked up by.
      const grants =
        principal.via === 'local' && whose === own
          ? []
          : await access.grants.list({
              ...(whose === undefined ? {} : { identity: whose }),
              ...(kind === undefined ? {} : { kind }),
              ...(record === undefined ? {} : { record }),
            });
      return { ...pageOf(grants, query, (grant) => `${grant.kind}:${grant.record}:${grant.identity}`), default: access.grants.usual };
    },
  }),
  route({
    method: 'PUT',
    path: '/api/v1/grants',
    permission: 'log',
    tag: 'access',
    summary: 'Grants somebody a level on a record, over what was granted before',
    body: GrantInput,
    answer: Grant,
    handle: async (rooms, { body, principal }) => {
      await requireGuardedRecord(rooms, body);
      return rooms.access.grants.give(body, principal);
    },
  }),
  route({
    method: 'DELETE',
    path: '/api/v1/grants',
    permission: 'log',
    tag: 'access',
    summary: 'Revokes what was granted to somebody on a record',
    query: strict({ ...GuardedRecord.properties, identity }),
    answer: strict({ revoked: Type.Literal(true) }),
    handle: async ({ access }, { query, principal }) => {
      await access.grants.revoke(query.identity, { kind: query.kind, record: query.record }, principal);
      return { revoked: true as const };
    },
  }),
];

/** @throws GyreError NOT_FOUND: a grant on what is not there would be gone once it is made */
export async function requireGuardedRecord(
  { training, registry }: Pick<ApiDeps, 'training' | 'registry'>,
  { kind, record }: NamedRecord,
): Promise<void> {
  if (record === everyRecord) return;
  if (kind === 'registered_model') {
    await registry.getModel(record);
    return;
  }
  if ((await training.experiments()).some(({ id }) => id === record)) return;
  throw new GyreError('NOT_FOUND', `there is no experiment with the id "${record}"`, { experiment: record });
}
