import { Type } from 'typebox';
import { ApplicationTestReport, ApplicationTestRequest, ApplicationTestRun, oneOf, page, strict, testProfiles } from '#contract';
import { route, type Route } from '../route.ts';
import { ByEnvironment, ById, OfVersion, paging } from '../shapes.ts';
import type { Principal } from '#access';
import type { Rooms } from '../port.ts';
import { pageOf } from './paging.ts';
import { ofReadableModels, readableVersion } from './readable-version.ts';

/** More than anybody looks at; they are records, and stay. */
const mostRuns = 1000;

export const applicationTestRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/api/v1/environments/:environment/tests',
    permission: 'deploy',
    tag: 'release',
    summary: 'Runs the application tests against the version that an environment serves',
    params: ByEnvironment,
    query: strict({ profile: Type.Optional(oneOf(testProfiles, { description: 'quick (default): seconds; full: minutes' })) }),
    answer: ApplicationTestReport,
    handle: async (rooms, { params, query, by, principal }) => {
      await requireServed(rooms, principal, params.environment);
      return rooms.release.runApplicationTests({ environment: params.environment, by, ...query });
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/application-test-runs',
    permission: 'deploy',
    tag: 'release',
    summary: 'Begins to run the application tests, to be followed and stopped; one run goes on at a time',
    body: ApplicationTestRequest,
    answer: ApplicationTestRun,
    status: 202,
    handle: async (rooms, { body, by, principal }) => {
      await requireServed(rooms, principal, body.environment);
      return rooms.release.testRuns.start({ ...body, by });
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/application-test-runs',
    permission: 'read',
    tag: 'release',
    summary: 'Runs of application tests, newest first; one that goes on says what it is at',
    query: strict(paging),
    answer: page(ApplicationTestRun),
    handle: async (rooms, { query, principal }) => {
      const runs = (await rooms.release.testRuns.list(mostRuns)).flatMap(({ modelVersion, ...run }) =>
        modelVersion === undefined ? [] : [{ ...run, modelVersion }],
      );
      return pageOf(await ofReadableModels(rooms, principal, runs), query, ({ id }) => id);
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/application-test-runs/:id',
    permission: 'read',
    tag: 'release',
    summary: 'What a run of application tests is at, or what came of it',
    params: ById,
    answer: ApplicationTestRun,
    handle: (rooms, { params, principal }) => readableRun(rooms, principal, params.id),
  }),
  route({
    method: 'DELETE',
    path: '/api/v1/application-test-runs/:id',
    permission: 'deploy',
    tag: 'release',
    summary: 'Stops a run of application tests, which leaves no report; one that has ended stays as it is',
    params: ById,
    answer: ApplicationTestRun,
    handle: async (rooms, { params, principal }) => {
      await readableRun(rooms, principal, params.id);
      return rooms.release.testRuns.cancel(params.id);
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/application-tests',
    permission: 'read',
    tag: 'release',
    summary: 'Reports of application tests, newest first',
    query: OfVersion,
    answer: page(ApplicationTestReport),
    handle: async (rooms, { query, principal }) => {
      const reports = await rooms.release.applicationTests(query.modelVersion);
      return pageOf(await ofReadableModels(rooms, principal, reports), query, ({ id }) => id);
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/application-tests/:id',
    permission: 'read',
    tag: 'release',
    summary: 'A report of application tests',
    params: ById,
    answer: ApplicationTestReport,
    handle: async (rooms, { params, principal }) => {
      const report = await rooms.release.getApplicationTest(params.id);
      await readableVersion(rooms, principal, report.modelVersion);
      return report;
    },
  }),
];

async function readableRun(rooms: Rooms, principal: Principal, id: string): Promise<ApplicationTestRun> {
  const run = await rooms.release.testRuns.get(id);
  if (run.modelVersion !== undefined) await readableVersion(rooms, principal, run.modelVersion);
  return run;
}

/** A report shows rows: only who may read the model that an environment serves has it tested. */
async function requireServed(rooms: Rooms, principal: Principal, environment: string): Promise<void> {
  const found = (await rooms.release.environments()).find(({ name }) => name === environment);
  if (found?.live !== undefined) await readableVersion(rooms, principal, found.live.modelVersion);
}
