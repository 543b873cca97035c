import { Type } from 'typebox';
import { ApplicationTestReport, ApplicationTestRequest, ApplicationTestRun, oneOf, page, strict, testProfiles } from '#contract';
import { route, type Route } from '../route.ts';
import { ByEnvironment, ById, OfVersion, paging } from '../shapes.ts';
import { pageOf } from './paging.ts';

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
    handle: ({ release }, { params, query, by }) => release.runApplicationTests({ environment: params.environment, by, ...query }),
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
    handle: ({ release }, { body, by }) => release.testRuns.start({ ...body, by }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/application-test-runs',
    permission: 'read',
    tag: 'release',
    summary: 'Runs of application tests, newest first; one that goes on says what it is at',
    query: strict(paging),
    answer: page(ApplicationTestRun),
    handle: async ({ release }, { query }) => pageOf(await release.testRuns.list(mostRuns), query, ({ id }) => id),
  }),
  route({
    method: 'GET',
    path: '/api/v1/application-test-runs/:id',
    permission: 'read',
    tag: 'release',
    summary: 'What a run of application tests is at, or what came of it',
    params: ById,
    answer: ApplicationTestRun,
    handle: ({ release }, { params }) => release.testRuns.get(params.id),
  }),
  route({
    method: 'DELETE',
    path: '/api/v1/application-test-runs/:id',
    permission: 'deploy',
    tag: 'release',
    summary: 'Stops a run of application tests, which leaves no report; one that has ended stays as it is',
    params: ById,
    answer: ApplicationTestRun,
    handle: ({ release }, { params }) => release.testRuns.cancel(params.id),
  }),
  route({
    method: 'GET',
    path: '/api/v1/application-tests',
    permission: 'read',
    tag: 'release',
    summary: 'Reports of application tests, newest first',
    query: OfVersion,
    answer: page(ApplicationTestReport),
    handle: async ({ release }, { query }) => pageOf(await release.applicationTests(query.modelVersion), query, ({ id }) => id),
  }),
  route({
    method: 'GET',
    path: '/api/v1/application-tests/:id',
    permission: 'read',
    tag: 'release',
    summary: 'A report of application tests',
    params: ById,
    answer: ApplicationTestReport,
    handle: ({ release }, { params }) => release.getApplicationTest(params.id),
  }),
];
