import { Split, page } from '#contract';
import { route, type Route } from '../../route.ts';
import { ById } from '../../shapes.ts';
import { ByDigest } from './shapes.ts';

export const splitRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/datasets/:digest/splits',
    permission: 'read',
    tag: 'data',
    summary: 'The splits of a version, newest first',
    params: ByDigest,
    answer: page(Split),
    handle: async ({ data }, { params }) => ({ items: await data.splitsOf((await data.get(params.digest)).digest) }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/splits/:id',
    permission: 'read',
    tag: 'data',
    summary: 'A split with its parts',
    params: ById,
    answer: Split,
    handle: ({ data }, { params }) => data.getSplit(params.id),
  }),
];
