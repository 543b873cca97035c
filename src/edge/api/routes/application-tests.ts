import { Type } from 'typebox';
import { ApplicationTestReport, oneOf, page, strict, testProfiles } from '#contract';
import { route, type Route } from '../route.ts';
import { ByEnvironment, ById, OfVersion } from '../shapes.ts';
import { pageOf } from './paging.ts';

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
