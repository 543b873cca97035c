import { Type } from 'typebox';
import { Attestation, Id, Name, PolicyEvidence, PublishedPolicy, page, strict } from '#contract';
import { storedFile } from '../files.ts';
import { fileRoute, route, type Route } from '../route.ts';
import { ById, Paging, VersionReference } from '../shapes.ts';
import { pageOf } from './paging.ts';
import { readableVersion } from './readable-version.ts';

/** A document of 16 MiB, in base64 and with room for its name. */
const largestDocumentBody = 24 * 1024 * 1024;

export const releasePolicyRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/release-policies',
    permission: 'read',
    tag: 'release',
    summary: 'Release policies that are published, every version, the newest of each first; the built-in one last',
    query: Paging,
    answer: page(PublishedPolicy),
    handle: async ({ release }, { query }) => pageOf(await release.policies.list(), query, ({ name, version }) => `${name}/${version}`),
  }),
  route({
    method: 'POST',
    path: '/api/v1/release-policies',
    permission: 'administer',
    tag: 'release',
    summary: 'Publishes a version of a release policy, which never changes from then on',
    body: strict({
      text: Type.String({ minLength: 1, maxLength: 500_000, description: 'the policy in YAML or JSON' }),
      file: Type.Optional(Type.String({ minLength: 1, maxLength: 300, description: 'its name in messages; default policy.yaml' })),
    }),
    answer: PublishedPolicy,
    status: 201,
    handle: ({ release }, { body: { text, file = 'policy.yaml' }, by }) => release.policies.publish({ text, file, by }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/release-policies/:name',
    permission: 'read',
    tag: 'release',
    summary: 'A release policy, its newest version or the one that is asked for',
    params: strict({ name: Name }),
    query: strict({ version: Type.Optional(Type.Integer({ minimum: 1 })) }),
    answer: PublishedPolicy,
    handle: ({ release }, { params, query }) => release.policies.get(params.name, query.version),
  }),
  route({
    method: 'GET',
    path: '/api/v1/policy-evidence',
    permission: 'read',
    tag: 'release',
    summary: 'What the policy in force asks for before a version comes to an environment, and what of it is there',
    query: strict({ modelVersion: VersionReference, environment: Name }),
    answer: PolicyEvidence,
    handle: async (rooms, { query, principal }) =>
      rooms.release.policyEvidence((await readableVersion(rooms, principal, query.modelVersion)).id, query.environment),
  }),
  route({
    method: 'POST',
    path: '/api/v1/attestations',
    permission: 'read',
    tag: 'release',
    summary: 'Answers a question that a policy asks, in the role that it is asked of',
    body: strict({
      modelVersion: VersionReference,
      item: Id,
      statement: Type.String({ minLength: 1, maxLength: 10_000, pattern: '\\S', description: 'the answer: it is kept and signed' }),
    }),
    answer: Attestation,
    status: 201,
    handle: async (rooms, { body, by, principal }) => {
      const { id } = await readableVersion(rooms, principal, body.modelVersion);
      return rooms.release.attest({ ...body, modelVersion: id, roles: principal.identity.roles, by });
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/attestations/documents',
    permission: 'read',
    tag: 'release',
    summary: 'Uploads a document that a policy asks for, in the role that it is asked of',
    body: strict({
      modelVersion: VersionReference,
      item: Id,
      name: Type.String({ minLength: 1, maxLength: 255, pattern: '^[^/\\\\\\u0000-\\u001f]+$', description: 'of the file' }),
      mediaType: Type.String({ pattern: '^[a-z]+/[a-z0-9.+-]+$', maxLength: 100 }),
      content: Type.String({ minLength: 4, pattern: '^[A-Za-z0-9+/]+={0,2}$', description: 'its bytes in base64, 16 MiB at most' }),
    }),
    bodyLimit: largestDocumentBody,
    answer: Attestation,
    status: 201,
    handle: async (rooms, { body: { modelVersion, item, name, mediaType, content }, by, principal }) =>
      rooms.release.attach({
        modelVersion: (await readableVersion(rooms, principal, modelVersion)).id,
        item,
        document: { name, mediaType, bytes: Buffer.from(content, 'base64') },
        roles: principal.identity.roles,
        by,
      }),
  }),
  fileRoute({
    method: 'GET',
    path: '/api/v1/attestations/:id/document',
    permission: 'read',
    tag: 'release',
    summary: 'The document that was uploaded for a policy, to be saved',
    params: ById,
    types: ['application/octet-stream'],
    answers: 'the bytes, under the name that the file had',
    handle: async (rooms, { params, principal }) => {
      const { modelVersion, name, digest, size, bytes } = await rooms.release.document(params.id);
      await readableVersion(rooms, principal, modelVersion);
      return { ...storedFile(name, digest, bytes, size), type: 'application/octet-stream' };
    },
  }),
];
