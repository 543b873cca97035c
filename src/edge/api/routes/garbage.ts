import { Type } from 'typebox';
import { GarbageSweep, garbageKinds, oneOf, page, strict } from '#contract';
import { route, type Route } from '../route.ts';
import { ById } from '../shapes.ts';

export const garbageRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/api/v1/garbage-sweeps',
    permission: 'erase',
    tag: 'governance',
    summary: 'Begins a garbage collection: a dry run, unless it is told to delete',
    description: 'It goes on in the background; the sweep’s own address tells how far it is.',
    body: strict({
      what: oneOf(garbageKinds),
      apply: Type.Boolean({ default: false, description: 'delete what is found' }),
      graceMs: Type.Optional(Type.Integer({ minimum: 0, description: 'what is younger stays; at least an hour, default a day' })),
    }),
    answer: GarbageSweep,
    status: 202,
    handle: ({ garbage }, { body, by }) => garbage.start({ ...body, by }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/garbage-sweeps',
    permission: 'read',
    tag: 'governance',
    summary: 'The garbage collections since the platform was started, newest first',
    answer: page(GarbageSweep),
    handle: ({ garbage }) => ({ items: garbage.list() }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/garbage-sweeps/:id',
    permission: 'read',
    tag: 'governance',
    summary: 'How a garbage collection goes, or went',
    params: ById,
    answer: GarbageSweep,
    handle: ({ garbage }, { params }) => garbage.get(params.id),
  }),
  route({
    method: 'DELETE',
    path: '/api/v1/garbage-sweeps/:id',
    permission: 'erase',
    tag: 'governance',
    summary: 'Stops a garbage collection; what is deleted stays so',
    params: ById,
    answer: GarbageSweep,
    handle: ({ garbage }, { params }) => garbage.cancel(params.id),
  }),
];
