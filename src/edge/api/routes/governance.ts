import { Type } from 'typebox';
import { AuditEntry, AuditVerification, GyreEvent, Id, Reproduction, Trace, oneOf, page, strict } from '#contract';
import { route, streamRoute, type Route } from '../route.ts';
import { first, Lineage, paging } from '../shapes.ts';
import { eventStream } from './event-streams.ts';
import { positionOf } from './paging.ts';

const traceStarts = ['prediction', 'model_version', 'run', 'dataset_version', 'alert', 'deployment'] as const;

export const governanceRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/audit',
    permission: 'read',
    tag: 'governance',
    summary: 'The audit log: every change of state, hash-chained',
    query: strict({ ...paging, ...first, subject: Type.Optional(Type.String({ description: 'entries about this record alone' })) }),
    answer: page(AuditEntry),
    handle: async ({ governance }, { query: { limit, after, subject, first: end } }) => {
      const from = positionOf(after);
      const { items, next } = await governance.audit({
        limit,
        newestFirst: end === 'newest',
        ...(from === undefined ? {} : { after: from }),
        ...(subject === undefined ? {} : { subject }),
      });
      return { items, ...(next === undefined ? {} : { next: String(next) }) };
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/audit/verification',
    permission: 'read',
    tag: 'governance',
    summary: 'Recomputes the whole chain and holds every entry against its event',
    answer: AuditVerification,
    handle: ({ governance }) => governance.verifyAudit(),
  }),
  route({
    method: 'GET',
    path: '/api/v1/trace/:kind/:id',
    permission: 'read',
    tag: 'governance',
    summary: 'The chain of evidence behind a record, every file read again and compared with its digest',
    params: strict({ kind: oneOf(traceStarts), id: Id }),
    answer: Trace,
    handle: ({ governance }, { params }) => governance.trace(params.kind, params.id),
  }),
  route({
    method: 'GET',
    path: '/api/v1/lineage/:modelVersion',
    permission: 'read',
    tag: 'governance',
    summary: 'What a model version was made from and where it went',
    params: strict({ modelVersion: Id }),
    answer: Lineage,
    handle: ({ governance }, { params }) => governance.lineage(params.modelVersion),
  }),
  route({
    method: 'POST',
    path: '/api/v1/reproductions',
    permission: 'build',
    tag: 'governance',
    summary: 'Trains a version again from its records alone and compares the bytes of the model',
    body: strict({
      modelVersion: Type.String({ minLength: 1, maxLength: 300, description: 'its id, or name@version' }),
      workers: Type.Integer({ minimum: 1, maximum: 16, default: 1 }),
    }),
    answer: Reproduction,
    handle: ({ governance }, { body, by }) => governance.reproduce({ ...body, by }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/events',
    permission: 'read',
    tag: 'events',
    summary: 'What happened, in order, as CloudEvents',
    query: strict({ ...paging, ...first, subject: Type.Optional(Type.String({ description: 'events about this record alone' })) }),
    answer: page(GyreEvent),
    handle: async ({ events }, { query: { limit, after, subject, first: end } }) => {
      const about = subject === undefined ? {} : { subject };
      if (end === 'newest') return newestEvents(events, { limit, before: positionOf(after), about });
      const items = await events.read({ after: positionOf(after) ?? 0, limit, ...about });
      const last = items.at(-1);
      return { items, ...(items.length === limit && last !== undefined ? { next: String(last.position) } : {}) };
    },
  }),
  streamRoute({
    method: 'GET',
    path: '/api/v1/events/stream',
    permission: 'read',
    tag: 'events',
    summary: 'Events as they happen, and the progress of pipelines, as server-sent events',
    description:
      'Reads on after the position in Last-Event-ID, so a connection that was lost misses nothing; without it, from now on. ' +
      'Messages without a name are events; messages named `progress` tell of steps that are under way and have no position.',
    query: strict({ after: Type.Optional(Type.String({ description: 'begin after this position' })) }),
    handle: eventStream,
  }),
];

type EventsDoor = Parameters<typeof eventStream>[0]['events'];

/** The stream is read forwards only, so its end is read in growing steps back from the last position until there is enough. */
async function newestEvents(
  events: EventsDoor,
  { limit, before, about }: { readonly limit: number; readonly before: number | undefined; readonly about: { readonly subject?: string } },
): Promise<{ items: Awaited<ReturnType<EventsDoor['read']>>; next?: string }> {
  const end = before ?? (await events.lastPosition()) + 1;
  for (let span = limit * 2; ; span *= 4) {
    const start = Math.max(0, end - 1 - span);
    const found: Awaited<ReturnType<EventsDoor['read']>>[number][] = [];
    for (let after = start; ;) {
      const batch = await events.read({ after, limit: 1000, ...about });
      found.push(...batch.filter(({ position }) => position < end));
      const last = batch.at(-1);
      if (batch.length < 1000 || last === undefined || last.position >= end) break;
      after = last.position;
    }
    if (found.length < limit && start > 0) continue;
    const items = found.slice(-limit).reverse();
    const oldest = items.at(-1);
    const hasMore = oldest !== undefined && (found.length > limit || start > 0);
    return { items, ...(hasMore ? { next: String(oldest.position) } : {}) };
  }
}
