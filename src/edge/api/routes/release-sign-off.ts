import { Type } from 'typebox';
import { Approval, Certification, Decision, Id, Name, Readiness, Revocation, RevokedFrom, oneOf, page, strict } from '#contract';
import { route, type Route } from '../route.ts';
import { OfVersion, Paging, Reason, VersionReference } from '../shapes.ts';
import { pageOf } from './paging.ts';
import { readableVersion } from './readable-version.ts';
import { versionId } from './version-reference.ts';

const Statement = Type.String({ minLength: 1, maxLength: 10_000, description: 'what was looked at and why this verdict: it is kept' });

export const releaseSignOffRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/readiness',
    permission: 'read',
    tag: 'release',
    summary: 'What a version still lacks for an environment',
    query: strict({ modelVersion: VersionReference, environment: Name }),
    answer: Readiness,
    handle: async (rooms, { query, principal }) =>
      rooms.release.readiness((await readableVersion(rooms, principal, query.modelVersion)).id, query.environment),
  }),
  route({
    method: 'GET',
    path: '/api/v1/certifications',
    permission: 'read',
    tag: 'release',
    summary: 'Certifications, newest first',
    query: OfVersion,
    answer: page(Certification),
    handle: async ({ release }, { query }) => pageOf(await release.certifications(query.modelVersion), query, ({ id }) => id),
  }),
  route({
    method: 'POST',
    path: '/api/v1/certifications',
    permission: 'certify',
    tag: 'release',
    summary: 'A QA expert’s word on a report of application tests; never its author’s',
    body: strict({ report: Id, verdict: oneOf(['certified', 'refused']), statement: Statement }),
    answer: Certification,
    status: 201,
    handle: ({ release }, { body, by }) => release.certify({ ...body, by }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/approvals',
    permission: 'read',
    tag: 'release',
    summary: 'Approvals, newest first',
    query: OfVersion,
    answer: page(Approval),
    handle: async ({ release }, { query }) => pageOf(await release.approvals(query.modelVersion), query, ({ id }) => id),
  }),
  route({
    method: 'POST',
    path: '/api/v1/approvals',
    permission: 'approve',
    tag: 'release',
    summary: 'An approver’s word on a certified version for an environment; never its author’s or certifier’s',
    body: strict({ modelVersion: VersionReference, environment: Name, verdict: oneOf(['approved', 'refused']), statement: Statement }),
    answer: Approval,
    status: 201,
    handle: async ({ release, registry }, { body, by }) =>
      release.approve({ ...body, modelVersion: await versionId(registry, body.modelVersion), by }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/revocations',
    permission: 'revoke',
    tag: 'release',
    summary: 'Takes a version’s package out for good: no environment accepts it any more, and where it is live the one before comes back',
    body: strict({ modelVersion: VersionReference, reason: Reason }),
    answer: strict({ revocation: Revocation, environments: Type.Array(RevokedFrom) }),
    status: 201,
    handle: async (rooms, { body, by, principal }) =>
      rooms.release.revoke({ ...body, modelVersion: (await readableVersion(rooms, principal, body.modelVersion)).id, by }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/decisions',
    permission: 'read',
    tag: 'release',
    summary: 'Certifications, approvals and the revocation of a version, newest first, with what their signatures are worth',
    query: strict({ ...Paging.properties, modelVersion: VersionReference }),
    answer: page(Decision),
    handle: async (rooms, { query, principal }) =>
      pageOf(await rooms.release.decisions((await readableVersion(rooms, principal, query.modelVersion)).id), query, ({ id }) => id),
  }),
];
