import { Type } from 'typebox';
import { requirePermission } from '#access';
import { GuardedRecord, page, strict, Team, TeamGrant, TeamGrantInput, TeamInput, TeamMember } from '#contract';
import { route, type Route } from '../route.ts';
import { paging } from '../shapes.ts';
import { requireGuardedRecord } from './grants.ts';
import { pageOf } from './paging.ts';

const Named = strict({ team: Type.String({ minLength: 1, maxLength: 200, description: 'its name or id' }) });
const identity = Type.String({ minLength: 1, maxLength: 200, description: 'by id or name' });
const Deleted = strict({ deleted: Type.Literal(true) });

/** Teams: people who are granted things on records together. */
export const teamRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/teams',
    permission: 'read',
    tag: 'access',
    summary: 'Teams, with what they are granted and who belongs to them',
    description: 'An admin sees all, everybody else the teams that they belong to.',
    query: strict({ ...paging, identity: Type.Optional(identity) }),
    answer: page(Team),
    handle: async ({ access }, { query, principal }) => {
      const own = principal.identity.id;
      const asked = query.identity === undefined ? undefined : (await access.getIdentity(query.identity)).id;
      if (asked !== undefined && asked !== own) requirePermission(principal, 'administer');
      const whose = asked ?? (principal.permissions.has('administer') ? undefined : own);
      const isNobody = principal.via === 'local' && whose === own;
      return pageOf(isNobody ? [] : await access.teams.list(whose), query, ({ id }) => String(id));
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/teams',
    permission: 'administer',
    tag: 'access',
    summary: 'Makes a team',
    body: TeamInput,
    answer: Team,
    status: 201,
    handle: ({ access }, { body, by }) => access.teams.create(body, by),
  }),
  route({
    method: 'PUT',
    path: '/api/v1/teams/:team',
    permission: 'administer',
    tag: 'access',
    summary: 'Gives a team another name or description',
    params: Named,
    body: Type.Partial(TeamInput, { additionalProperties: false }),
    answer: Team,
    handle: ({ access }, { params, body, by }) => access.teams.change(params.team, body, by),
  }),
  route({
    method: 'DELETE',
    path: '/api/v1/teams/:team',
    permission: 'administer',
    tag: 'access',
    summary: 'Deletes a team and what it was granted; its members keep what they were granted themselves',
    params: Named,
    answer: Deleted,
    handle: async ({ access }, { params, by }) => {
      await access.teams.delete(params.team, by);
      return { deleted: true as const };
    },
  }),
  route({
    method: 'PUT',
    path: '/api/v1/teams/:team/grants',
    permission: 'administer',
    tag: 'access',
    summary: 'Grants a team a level on a record, over what was granted before',
    params: Named,
    body: TeamGrantInput,
    answer: TeamGrant,
    handle: async (rooms, { params, body, by }) => {
      await requireGuardedRecord(rooms, body);
      return rooms.access.teams.give(params.team, body, by);
    },
  }),
  route({
    method: 'DELETE',
    path: '/api/v1/teams/:team/grants',
    permission: 'administer',
    tag: 'access',
    summary: 'Revokes what was granted to a team on a record',
    params: Named,
    query: GuardedRecord,
    answer: strict({ revoked: Type.Literal(true) }),
    handle: async ({ access }, { params, query, by }) => {
      await access.teams.revoke({ team: params.team, ...query }, by);
      return { revoked: true as const };
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/teams/:team/members',
    permission: 'administer',
    tag: 'access',
    summary: 'Takes somebody into a team',
    params: Named,
    body: strict({ identity }),
    answer: TeamMember,
    status: 201,
    handle: ({ access }, { params, body, by }) => access.teams.join(params.team, body.identity, by),
  }),
  route({
    method: 'DELETE',
    path: '/api/v1/teams/:team/members/:identity',
    permission: 'administer',
    tag: 'access',
    summary: 'Takes somebody out of a team',
    params: strict({ ...Named.properties, identity }),
    answer: Deleted,
    handle: async ({ access }, { params, by }) => {
      await access.teams.leave(params.team, params.identity, by);
      return { deleted: true as const };
    },
  }),
];
