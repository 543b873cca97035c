import { Type } from 'typebox';
import { Id, PipelineRun, StepItem, oneOf, page, stepItemStates, strict } from '#contract';
import { GyreError } from '#core';
import { route, type Route } from '../route.ts';
import { ById, Reason, StepLog, paging } from '../shapes.ts';

const runStates = ['waiting', 'running', 'succeeded', 'failed', 'cancelled'] as const;

export const pipelineRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/pipeline-runs',
    permission: 'read',
    tag: 'pipelines',
    summary: 'Runs of pipelines, newest first',
    query: strict({ ...paging, pipeline: Type.Optional(Type.String()), state: Type.Optional(oneOf(runStates)) }),
    answer: page(PipelineRun),
    handle: ({ pipelines }, { query }) => pipelines.list(query),
  }),
  route({
    method: 'POST',
    path: '/api/v1/pipeline-runs',
    permission: 'build',
    tag: 'pipelines',
    summary: 'Runs the project’s pipeline, from data to a registered version',
    body: strict({
      pipeline: Type.Optional(oneOf(['build'])),
      reason: Type.Optional(Reason),
      fresh: Type.Optional(Type.Boolean({ description: 'run every step, whatever the cache holds' })),
    }),
    answer: PipelineRun,
    status: 202,
    handle: ({ loop }, { body, by }) =>
      loop.build({ by, reason: body.reason ?? `asked for by ${by.name}`, ...(body.fresh === undefined ? {} : { fresh: body.fresh }) }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/pipeline-runs/:id',
    permission: 'read',
    tag: 'pipelines',
    summary: 'A run with its steps',
    params: ById,
    answer: PipelineRun,
    handle: ({ pipelines }, { params }) => pipelines.get(params.id),
  }),
  route({
    method: 'POST',
    path: '/api/v1/pipeline-runs/:id/cancel',
    permission: 'build',
    tag: 'pipelines',
    summary: 'Stops a run; fine when it has ended',
    params: ById,
    answer: PipelineRun,
    handle: ({ pipelines }, { params, by }) => pipelines.cancel(params.id, by),
  }),
  route({
    method: 'GET',
    path: '/api/v1/pipeline-runs/:id/steps/:step/log',
    permission: 'read',
    tag: 'pipelines',
    summary: 'The last lines that a step wrote',
    params: strict({ id: Id, step: Id }),
    answer: StepLog,
    handle: async ({ pipelines }, { params }) => {
      const { steps } = await pipelines.get(params.id);
      if (!steps.some(({ step }) => step === params.step)) {
        const known = steps.map(({ step }) => `"${step}"`).join(', ');
        throw new GyreError('NOT_FOUND', `the run has no step "${params.step}"; it has ${known}`);
      }
      return { lines: await pipelines.logs(params.id, params.step) };
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/pipeline-runs/:id/steps/:step/items',
    permission: 'read',
    tag: 'pipelines',
    summary: 'The items of a step that works by file or by group, as the run left them: inputs, outputs, state, last lines of what failed',
    params: strict({ id: Id, step: Id }),
    query: strict({
      ...paging,
      state: Type.Optional(oneOf(stepItemStates)),
      file: Type.Optional(Type.String({ minLength: 1, maxLength: 4096, description: 'a path: items that read or wrote this file' })),
    }),
    answer: page(StepItem),
    handle: ({ pipelines }, { params, query }) => pipelines.items(params.id, params.step, query),
  }),
];
