import { Type } from 'typebox';
import { Name, RollSpec, Rollout, oneOf, page, rolloutStates, strict } from '#contract';
import { resolveRoll } from '#project';
import { GyreError } from '#core';
import { route, type Route } from '../route.ts';
import { ById, Reason, VersionReference, paging } from '../shapes.ts';
import { pageOf } from './paging.ts';
import { versionId } from './version-reference.ts';

const decisions = [
  ['pause', 'Stops a rollout where it is: the version keeps its share of the traffic'],
  ['resume', 'Lets a paused rollout go on: its step begins again, with nothing observed'],
  ['promote', 'Gives the version all of the traffic now, whatever its checks say; gates are judged'],
  ['rollBack', 'Gives all of the traffic back to the version that was live before, which is loaded still'],
] as const;

export const rolloutRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/api/v1/rollouts',
    permission: 'release',
    tag: 'release',
    summary: 'Begins a rollout: a version gets a first share of an environment’s traffic, and more of it while all is well',
    body: strict({ environment: Name, modelVersion: VersionReference, roll: Type.Optional(RollSpec), reason: Reason }),
    answer: Rollout,
    status: 201,
    handle: async ({ release, registry, project }, { body: { environment, modelVersion, roll, reason }, by }) => {
      const usual = project.current().resolved.environments.find(({ name }) => name === environment)?.roll;
      const plan = resolveRoll(roll, usual);
      if (roll !== undefined && plan === undefined)
        throw new GyreError(
          'INVALID_ARGUMENT',
          `all of the traffic at once is no rollout: POST /api/v1/environments/${environment}/release does that`,
        );
      const falls = plan?.steps.findIndex(({ weight }, at) => at > 0 && weight <= plan.steps[at - 1].weight) ?? -1;
      if (falls > 0)
        throw new GyreError(
          'INVALID_ARGUMENT',
          `body.roll: step ${falls + 1} has no larger share than the one before; each takes more of the traffic`,
        );
      return release.rollouts.start({
        environment,
        modelVersion: await versionId(registry, modelVersion),
        ...(plan === undefined ? {} : { plan }),
        reason,
        by,
      });
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/rollouts',
    permission: 'read',
    tag: 'release',
    summary: 'Rollouts, newest first',
    query: strict({ ...paging, environment: Type.Optional(Name), state: Type.Optional(oneOf(rolloutStates)) }),
    answer: page(Rollout),
    handle: async ({ release }, { query: { limit, after, ...filter } }) =>
      pageOf(
        await release.rollouts.list({ ...filter, limit: 10_000 }),
        { limit, ...(after === undefined ? {} : { after }) },
        ({ id }) => id,
      ),
  }),
  route({
    method: 'GET',
    path: '/api/v1/rollouts/:id',
    permission: 'read',
    tag: 'release',
    summary: 'A rollout with what was observed until now, and what its checks say of it',
    params: ById,
    answer: Rollout,
    handle: ({ release }, { params }) => release.rollouts.get(params.id),
  }),
  ...decisions.map(([verb, summary]) =>
    route({
      method: 'POST',
      path: `/api/v1/rollouts/:id/${verb.toLowerCase()}`,
      permission: 'release',
      tag: 'release',
      summary,
      params: ById,
      body: strict({ reason: Reason }),
      answer: Rollout,
      handle: ({ release }, { params, body, by }) => release.rollouts[verb]({ id: params.id, reason: body.reason, by }),
    }),
  ),
];
