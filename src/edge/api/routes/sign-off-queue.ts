import { Type } from 'typebox';
import { WantedSignOff, page, strict } from '#contract';
import { route, type Route } from '../route.ts';
import { paging } from '../shapes.ts';
import { pageOf } from './paging.ts';
import { ofReadableModels } from './readable-version.ts';

export const signOffQueueRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/release/queue',
    permission: 'read',
    tag: 'release',
    summary: 'What waits for the caller: to certify, to approve, to answer, findings to resolve; the longest first',
    query: strict({ ...paging, all: Type.Optional(Type.Boolean({ description: 'what waits for anybody' })) }),
    answer: page(WantedSignOff),
    handle: async (rooms, { query: { all = false, ...pages }, principal }) => {
      const { id, roles } = principal.identity;
      const waiting = await rooms.release.queue(all ? undefined : { identity: id, roles });
      return pageOf(await ofReadableModels(rooms, principal, waiting), pages, ({ key }) => key);
    },
  }),
];
