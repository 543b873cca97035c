import { Type } from 'typebox';
import { WantedSignOff, page, strict } from '#contract';
import { route, type Route } from '../route.ts';
import { paging } from '../shapes.ts';
import { pageOf } from './paging.ts';

export const signOffQueueRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/release/queue',
    permission: 'read',
    tag: 'release',
    summary: 'What waits for the caller: to certify, to approve, to answer, findings to resolve; the longest first',
    query: strict({ ...paging, all: Type.Optional(Type.Boolean({ description: 'what waits for anybody' })) }),
    answer: page(WantedSignOff),
    handle: async ({ release }, { query: { all = false, ...pages }, principal: { identity } }) =>
      pageOf(await release.queue(all ? undefined : { identity: identity.id, roles: identity.roles }), pages, ({ key }) => key),
  }),
];
