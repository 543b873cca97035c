import { isEverywhere } from '#access';
import type { Principal } from '#access';
import { fillRequest } from '#batch';
import { BatchPrediction, BatchSchedule, BatchScheduleBody, Name, page, strict } from '#contract';
import { GyreError } from '#core';
import type { ApiDeps } from '../port.ts';
import { route, type Route } from '../route.ts';
import { requireMayPredict } from './batch-rights.ts';

const ByName = strict({ name: Name });

export const batchScheduleRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/batch-schedules',
    permission: 'read',
    tag: 'batch',
    summary: 'Tables that are predicted by the clock: when next, and what came of it last',
    answer: page(BatchSchedule),
    handle: async (rooms, { principal }) => {
      const items: BatchSchedule[] = [];
      for (const schedule of await rooms.batchSchedules.list()) if (await mayRead(rooms, principal, schedule)) items.push(schedule);
      return { items };
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/batch-schedules/:name',
    permission: 'read',
    tag: 'batch',
    summary: 'A batch prediction by the clock',
    params: ByName,
    answer: BatchSchedule,
    handle: (rooms, { params, principal }) => readable(rooms, principal, params.name),
  }),
  route({
    method: 'PUT',
    path: '/api/v1/batch-schedules/:name',
    permission: 'predict',
    tag: 'batch',
    summary: 'Sets a schedule, or changes it: it then begins anew with its next instant',
    description:
      'Each run is by whoever set it, with the rights that they have then. In the request’s input, query, output and tables, `{date}` and `{time}` stand for the instant at which a run is due, in the time zone (2026-11-30, 0600), `{until}` for that instant in UTC, and `{since}` for the `{until}` of the last run that finished (1970 before the first).',
    params: ByName,
    body: BatchScheduleBody,
    answer: BatchSchedule,
    handle: async (rooms, { params, body, by, principal }) => {
      const { cron: _, timezone = 'UTC', request } = body;
      await rooms.batchSchedules.check(params.name, body);
      await requireMayPredict(rooms, principal, fillRequest(request, { at: rooms.clock.now(), since: 0, timezone }), { later: true });
      return rooms.batchSchedules.set(params.name, body, by);
    },
  }),
  route({
    method: 'DELETE',
    path: '/api/v1/batch-schedules/:name',
    permission: 'predict',
    tag: 'batch',
    summary: 'Removes a schedule; what it began goes on, and what it predicted stays',
    params: ByName,
    answer: BatchSchedule,
    handle: async (rooms, { params, by, principal }) => {
      await readable(rooms, principal, params.name);
      return rooms.batchSchedules.remove(params.name, by);
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/batch-schedules/:name/pause',
    permission: 'predict',
    tag: 'batch',
    summary: 'Pauses a schedule; fine when it is paused',
    params: ByName,
    answer: BatchSchedule,
    handle: async (rooms, { params, by, principal }) => {
      await readable(rooms, principal, params.name);
      return rooms.batchSchedules.pause(params.name, by);
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/batch-schedules/:name/resume',
    permission: 'predict',
    tag: 'batch',
    summary: 'Lets a schedule go on with its next instant; what would have been due meanwhile is not made up for',
    params: ByName,
    answer: BatchSchedule,
    handle: async (rooms, { params, by, principal }) => {
      await readable(rooms, principal, params.name);
      return rooms.batchSchedules.resume(params.name, by);
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/batch-schedules/:name/run',
    permission: 'predict',
    tag: 'batch',
    summary: 'Runs a schedule now, out of turn, by whoever asks',
    params: ByName,
    answer: BatchPrediction,
    status: 202,
    handle: async (rooms, { params, by, principal }) => {
      await readable(rooms, principal, params.name);
      return rooms.batchSchedules.runNow(params.name, by);
    },
  }),
];

/** Whoever may not read a model sees no schedule of it; what is live in an environment may be another one tomorrow. */
async function mayRead({ access, batches }: ApiDeps, principal: Principal, { request }: BatchSchedule): Promise<boolean> {
  const rights = await access.grants.rightsOf(principal);
  if (isEverywhere(rights.reach('read', 'registered_model'))) return true;
  const version = await batches.versionOf(request.model).catch(() => undefined);
  return version === undefined || rights.may('read', 'registered_model', version.model);
}

async function readable(rooms: ApiDeps, principal: Principal, name: string): Promise<BatchSchedule> {
  const found = await rooms.batchSchedules.get(name);
  if (await mayRead(rooms, principal, found)) return found;
  throw new GyreError('PERMISSION_DENIED', 'you may not read this record: its model was not granted to you', {
    kind: 'registered_model',
    action: 'read',
  });
}
