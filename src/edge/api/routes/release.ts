import { Type } from 'typebox';
import {
  Deployment,
  EndpointState,
  EnvironmentState,
  ExplainAnswer,
  ExplainRequest,
  Id,
  Name,
  PredictAnswer,
  PredictRequest,
  SignedManifest,
  page,
  strict,
} from '#contract';
import { GyreError } from '#core';
import { route, type Route } from '../route.ts';
import { ById, ByEnvironment, Paging, Reason, VersionReference, paging } from '../shapes.ts';
import { pageOf } from './paging.ts';
import { versionId } from './version-reference.ts';

const Roll = strict({ modelVersion: VersionReference, reason: Reason });
const Release = strict({
  modelVersion: VersionReference,
  reason: Reason,
  atOnce: Type.Optional(Type.Boolean({ description: 'at once, also where `roll` says step by step' })),
});
/** Pictures come in base64; what the endpoint takes of it, its own limit says. */
const largestBody = 32 * 1024 * 1024;

export const releaseRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/environments',
    permission: 'read',
    tag: 'release',
    summary: 'Environments in their order, with what each serves',
    query: Paging,
    answer: page(EnvironmentState),
    handle: async ({ release }, { query }) => pageOf(await release.environments(), query, ({ name }) => name),
  }),
  route({
    method: 'GET',
    path: '/api/v1/endpoints',
    permission: 'read',
    tag: 'release',
    summary: 'What answers in each environment, and how it does: traffic, models, queues, shadows',
    query: Paging,
    answer: page(EndpointState),
    handle: async ({ release }, { query }) => pageOf(await release.endpoints(), query, ({ environment }) => environment),
  }),
  route({
    method: 'GET',
    path: '/api/v1/endpoints/:environment',
    permission: 'read',
    tag: 'release',
    summary: 'What answers in an environment, and how it does',
    params: ByEnvironment,
    answer: EndpointState,
    handle: async ({ release }, { params }) => {
      const found = (await release.endpoints()).find(({ environment }) => environment === params.environment);
      if (found === undefined) throw new GyreError('NOT_FOUND', `there is no environment "${params.environment}"`);
      return found;
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/endpoints/:environment/predict',
    permission: 'log',
    tag: 'release',
    summary: 'Asks an environment’s endpoint, as its clients do; its prediction log has the predictions',
    params: ByEnvironment,
    body: PredictRequest,
    bodyLimit: largestBody,
    answer: PredictAnswer,
    handle: ({ release }, { params, body }) => release.predict(params.environment, body),
  }),
  route({
    method: 'POST',
    path: '/api/v1/endpoints/:environment/explain',
    permission: 'log',
    tag: 'release',
    summary: 'What moved the predictions of rows, as the version says that an environment serves; its data plane makes the explanations',
    params: ByEnvironment,
    body: ExplainRequest,
    bodyLimit: largestBody,
    answer: ExplainAnswer,
    handle: ({ release }, { params, body }) => release.explain({ environment: params.environment, request: body }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/environments/:environment/deploy',
    permission: 'deploy',
    tag: 'release',
    summary: 'Deploys a version to an environment that asks for no approval, such as the one for tests',
    params: ByEnvironment,
    body: Roll,
    answer: Deployment,
    handle: async ({ release, registry }, { params, body, by }) => {
      requireNoApproval(await release.environments(), params.environment);
      return release.roll({
        environment: params.environment,
        modelVersion: await versionId(registry, body.modelVersion),
        reason: body.reason,
        by,
      });
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/environments/:environment/release',
    permission: 'release',
    tag: 'release',
    summary: 'Switches an environment to a version whose gates are all passed; where it says `roll`, begins a rollout',
    params: ByEnvironment,
    body: Release,
    answer: Deployment,
    handle: async ({ release, registry }, { params, body, by }) =>
      release.roll({
        environment: params.environment,
        ...body,
        modelVersion: await versionId(registry, body.modelVersion),
        by,
      }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/environments/:environment/rollback',
    permission: 'release',
    tag: 'release',
    summary: 'Switches an environment back to the version before, or to any that was live there',
    params: ByEnvironment,
    body: strict({
      reason: Reason,
      generation: Type.Optional(
        Type.Integer({ minimum: 1, description: 'the deployment to go back to; default: that of the version before' }),
      ),
    }),
    answer: Deployment,
    handle: ({ release }, { params, body, by }) => release.rollBack({ environment: params.environment, ...body, by }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/deployments',
    permission: 'read',
    tag: 'release',
    summary: 'Deployments, newest first',
    query: strict({ ...paging, environment: Type.Optional(Name), modelVersion: Type.Optional(Id) }),
    answer: page(Deployment),
    handle: async ({ release }, { query: { limit, after, ...filter } }) =>
      pageOf(await release.deployments({ ...filter, limit: 10_000 }), { limit, ...(after === undefined ? {} : { after }) }, ({ id }) => id),
  }),
  route({
    method: 'GET',
    path: '/api/v1/deployments/:id',
    permission: 'read',
    tag: 'release',
    summary: 'A deployment',
    params: ById,
    answer: Deployment,
    handle: ({ release }, { params }) => release.getDeployment(params.id),
  }),
  route({
    method: 'GET',
    path: '/api/v1/manifests/:digest',
    permission: 'read',
    tag: 'release',
    summary: 'A signed release manifest',
    params: strict({ digest: Id }),
    answer: SignedManifest,
    handle: ({ release }, { params }) => release.getManifest(params.digest),
  }),
];

/** Who may deploy for tests may not by that release: an environment that asks for an approval is switched by an operator. */
function requireNoApproval(environments: readonly EnvironmentState[], name: string): void {
  const environment = environments.find((known) => known.name === name);
  if (environment === undefined) {
    const known = environments.map((one) => `"${one.name}"`).join(', ');
    throw new GyreError('NOT_FOUND', `there is no environment "${name}"; the project has ${known}`);
  }
  if ((environment.approvals ?? 0) === 0) return;
  throw new GyreError(
    'FAILED_PRECONDITION',
    `"${name}" asks for an approval: an operator releases to it (POST /api/v1/environments/${name}/release)`,
    {
      environment: name,
    },
  );
}
