import { Name, PipelineRun, Schedule, page, strict } from '#contract';
import { route, type Route } from '../route.ts';

const ByName = strict({ name: Name });

export const scheduleRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/schedules',
    permission: 'read',
    tag: 'pipelines',
    summary: 'Datasets that are ingested by the clock: when next, and what came of it last',
    answer: page(Schedule),
    handle: async ({ schedules }) => ({ items: await schedules.list() }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/schedules/:name/pause',
    permission: 'build',
    tag: 'pipelines',
    summary: 'Pauses a schedule; fine when it is paused',
    params: ByName,
    answer: Schedule,
    handle: ({ schedules }, { params, by }) => schedules.pause(params.name, by),
  }),
  route({
    method: 'POST',
    path: '/api/v1/schedules/:name/resume',
    permission: 'build',
    tag: 'pipelines',
    summary: 'Lets a schedule go on with its next instant; what would have been due meanwhile is not made up for',
    params: ByName,
    answer: Schedule,
    handle: ({ schedules }, { params, by }) => schedules.resume(params.name, by),
  }),
  route({
    method: 'POST',
    path: '/api/v1/schedules/:name/run',
    permission: 'build',
    tag: 'pipelines',
    summary: 'Runs a schedule now, out of turn',
    params: ByName,
    answer: PipelineRun,
    status: 202,
    handle: ({ schedules }, { params, by }) => schedules.runNow(params.name, by),
  }),
];
