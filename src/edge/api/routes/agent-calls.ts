import { Type } from 'typebox';
import { Agent, AgentReport, DesiredAnswer, Digest, strict } from '#contract';
import { fileRoute, route, type Route } from '../route.ts';
import { fileSegment, segmentMembers, segmentBodyLimit } from './prediction-segments.ts';

const longestWaitMs = 60_000;

/** What agents call, each for the environment that it was enrolled for. */
export const agentCallRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/agent/desired',
    permission: 'pull',
    tag: 'release',
    summary:
      'What the calling agent’s environment is to serve: answers at once when that is news, else when it changes or the time is over',
    query: strict({
      after: Type.Integer({ minimum: 0, default: 0, description: 'the revision that the agent has dealt with' }),
      waitMs: Type.Integer({ minimum: 0, maximum: longestWaitMs, default: 0, description: 'how long the answer may wait for news' }),
    }),
    answer: DesiredAnswer,
    handle: ({ fleet }, { query, by, signal }) => fleet.desired({ identity: by.identity, ...query, signal }),
  }),
  fileRoute({
    method: 'GET',
    path: '/api/v1/agent/files/:digest',
    permission: 'pull',
    tag: 'release',
    summary: 'A file that the manifest names which the calling agent’s environment is to serve, and no other',
    params: strict({ digest: Digest }),
    types: ['application/octet-stream'],
    answers: 'The bytes of the file.',
    handle: async ({ fleet }, { params, by }) => {
      const { size, bytes } = await fleet.file({ identity: by.identity, digest: params.digest });
      return { type: 'application/octet-stream', body: bytes, headers: { 'content-length': String(size) } };
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/agent/reports',
    permission: 'pull',
    tag: 'release',
    summary: 'Says what the calling agent serves, since when, and how its machine is',
    body: AgentReport,
    answer: Agent,
    handle: ({ fleet }, { body, by }) => fleet.report({ identity: by.identity, report: body }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/agent/predictions',
    permission: 'pull',
    tag: 'monitoring',
    summary: 'Files predictions of the calling agent’s environment; a segment that is filed already changes nothing',
    body: strict(segmentMembers),
    bodyLimit: segmentBodyLimit,
    answer: strict({ ingested: Type.Boolean(), rows: Type.Integer({ minimum: 0 }) }),
    handle: async (rooms, { body, by }) => fileSegment(rooms, { ...body, environment: await rooms.fleet.environmentOf(by.identity) }, by),
  }),
];
