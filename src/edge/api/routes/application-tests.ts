import { ApplicationTestReport, page } from '#contract';
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
    answer: ApplicationTestReport,
    handle: ({ release }, { params, by }) => release.runApplicationTests({ environment: params.environment, by }),
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
