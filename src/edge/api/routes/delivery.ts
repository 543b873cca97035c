import { Type } from 'typebox';
import { DeliveryMetrics, Instant, strict } from '#contract';
import { GyreError } from '#core';
import { route, type Route } from '../route.ts';
import { ByEnvironment } from '../shapes.ts';

/** The figures of each week are counted. */
const longestSpanMs = 3653 * 86_400_000;

/** How often, how fast and how safely versions come to an environment. */
export const deliveryRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/environments/:environment/delivery',
    permission: 'read',
    tag: 'release',
    summary: 'DORA’s four figures of an environment: deployment frequency, lead time, change failure rate, time to restore',
    params: ByEnvironment,
    query: strict({
      from: Type.Optional({ ...Instant, description: 'default: 90 days before `to`' }),
      to: Type.Optional({ ...Instant, description: 'default: now' }),
    }),
    answer: DeliveryMetrics,
    handle: async ({ release, clock }, { params, query }) => {
      const [from, to] = [query.from, query.to].map((instant) => (instant === undefined ? undefined : Date.parse(instant)));
      if (from !== undefined && from >= (to ?? clock.now()))
        throw new GyreError('INVALID_ARGUMENT', `query.from: ${query.from} was found, an instant before ${query.to ?? 'now'} is wanted`);
      if ((to ?? clock.now()) - (from ?? clock.now()) > longestSpanMs)
        throw new GyreError('INVALID_ARGUMENT', `query.from: ${query.from} was found, ten years before query.to at most are wanted`);
      return release.delivery({
        environment: params.environment,
        ...(from === undefined ? {} : { from }),
        ...(to === undefined ? {} : { to }),
      });
    },
  }),
];
