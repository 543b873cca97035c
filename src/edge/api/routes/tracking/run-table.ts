import { Type } from 'typebox';
import type { Principal } from '#access';
import { Run, parseFilter, parseOrderBy, strict } from '#contract';
import { GyreError, isoInstant } from '#core';
import { ownRunId } from '#training';
import type { RunRowView as Row, RunSelection } from '#training';
import type { ApiDeps } from '../../port.ts';
import { route, type Route } from '../../route.ts';
import { readableExperiments, requireRuns } from './rights.ts';
import { Keys, RunColumns, RunGroup, RunKeys, RunRowView, SeriesAnswer, SeriesQuery, selection } from './shapes.ts';

/** As many runs as a table shows; more are said to be there. */
const mostPositions = 250_000;

const Positions = Type.Array(Type.Integer({ minimum: 0 }), { maxItems: 500 });

/** Runs as a table of any length, and as lines in figures. */
export const runTableRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/api/v1/runs/search',
    permission: 'read',
    tag: 'training',
    summary: 'Runs that meet a filter, page by page, with the columns that are asked for',
    body: strict({
      ...selection,
      columns: Type.Optional(RunColumns),
      limit: Type.Integer({ minimum: 1, maximum: 1000, default: 100 }),
      after: Type.Optional(Type.String({ maxLength: 20_000, description: '`next` of the page before' })),
    }),
    answer: strict({ items: Type.Array(RunRowView), next: Type.Optional(Type.String()) }),
    handle: async (rooms, { body, principal }) => {
      const { tracking } = rooms.training;
      const selected = await selectionOf(rooms, principal, body);
      const page = await tracking.page({ ...selected, ...(body.after === undefined ? {} : { after: body.after }) }, body.limit);
      const rows = await tracking.rows({ experiments: selected.experiments, positions: page.positions, columns: columnsOf(body.columns) });
      return { items: rows.map(viewOf), ...(page.next === undefined ? {} : { next: page.next }) };
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/runs/positions',
    permission: 'read',
    tag: 'training',
    summary: 'Where all runs that meet a filter stand, in their order: rows are then asked for by position',
    body: strict(selection),
    answer: strict({
      positions: Type.Array(Type.Integer()),
      more: Type.Boolean({ description: `there are more than ${mostPositions}` }),
    }),
    handle: async (rooms, { body, principal }) =>
      rooms.training.tracking.positions(await selectionOf(rooms, principal, body), mostPositions),
  }),
  route({
    method: 'POST',
    path: '/api/v1/runs/rows',
    permission: 'read',
    tag: 'training',
    summary: 'Runs at positions, with the columns that are asked for',
    body: strict({ experiments: selection.experiments, positions: Positions, columns: Type.Optional(RunColumns) }),
    answer: strict({ items: Type.Array(RunRowView) }),
    handle: async (rooms, { body, principal }) => {
      const experiments = await readableExperiments(rooms, principal, body.experiments);
      const { positions } = body;
      const rows = await rooms.training.tracking.rows({ experiments, positions, columns: columnsOf(body.columns) });
      return { items: rows.map(viewOf) };
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/runs/groups',
    permission: 'read',
    tag: 'training',
    summary: 'Runs by the value of a parameter, with figures of their metrics; the largest 1,000 groups',
    body: strict({ ...selection, by: Type.String({ minLength: 1, maxLength: 250, description: 'a parameter' }), metrics: Keys }),
    answer: strict({ items: Type.Array(RunGroup) }),
    handle: async (rooms, { body, principal }) => ({
      items: await rooms.training.tracking.groups(await selectionOf(rooms, principal, body), body.by, body.metrics),
    }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/runs/keys',
    permission: 'read',
    tag: 'training',
    summary: 'Metrics, parameters and tags that the newest and oldest runs have, with some of their values',
    body: strict({ experiments: selection.experiments }),
    answer: RunKeys,
    handle: async (rooms, { body, principal }) =>
      rooms.training.tracking.keys(await readableExperiments(rooms, principal, body.experiments)),
  }),
  route({
    method: 'POST',
    path: '/api/v1/runs/records',
    permission: 'read',
    tag: 'training',
    summary: 'Up to 100 runs as their records, in the order that was asked for',
    body: strict({ runs: SeriesQuery.properties.runs }),
    answer: strict({ items: Type.Array(Run) }),
    handle: async (rooms, { body, principal }) => {
      const runs = body.runs.map(ownRunId);
      await requireRuns(rooms, principal, 'read', runs);
      // One after the other: side by side each would take a connection to the database.
      const items: Run[] = [];
      for (const id of runs) items.push(await rooms.training.getRun(id));
      return { items };
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/runs/series',
    permission: 'read',
    tag: 'training',
    summary: 'A metric of up to 100 runs on one axis: mean, least and greatest value of each place',
    body: SeriesQuery,
    answer: SeriesAnswer,
    handle: async (rooms, { body, principal }) => {
      const runs = body.runs.map(ownRunId);
      await requireRuns(rooms, principal, 'read', runs);
      return rooms.training.tracking.series({ ...body, runs });
    },
  }),
];

interface Asked {
  readonly experiments?: readonly string[];
  readonly filter: string;
  readonly order: readonly string[];
  readonly view: RunSelection['view'];
}

/** What is asked for, of experiments that the caller may read. @throws GyreError INVALID_ARGUMENT with `at`, where in the text */
async function selectionOf(rooms: ApiDeps, principal: Principal, asked: Asked): Promise<RunSelection> {
  const conditions = parseFilter('run', asked.filter);
  if (!conditions.ok) throw new GyreError('INVALID_ARGUMENT', conditions.message, { at: conditions.at });
  const order = parseOrderBy('run', asked.order);
  if (!order.ok) throw new GyreError('INVALID_ARGUMENT', order.message, { at: order.at });
  const experiments = await readableExperiments(rooms, principal, asked.experiments);
  return { experiments, view: asked.view, conditions: conditions.value, order: order.value };
}

type Columns = Partial<Readonly<Record<'metrics' | 'parameters' | 'tags', readonly string[]>>>;

function columnsOf({ metrics = [], parameters = [], tags = [] }: Columns = {}): Required<Columns> {
  return { metrics, parameters, tags };
}

function viewOf({ startedAt, endedAt, metrics, ...row }: Row) {
  return {
    ...row,
    startedAt: isoInstant(startedAt),
    ...(endedAt === undefined ? {} : { endedAt: isoInstant(endedAt) }),
    metrics: metrics.map((value) => (value === null ? null : jsonNumber(value))),
  };
}

/** A number as JSON can say it. */
export function jsonNumber(value: number): number | 'NaN' | 'Infinity' | '-Infinity' {
  if (Number.isFinite(value)) return value;
  return Number.isNaN(value) ? 'NaN' : value > 0 ? 'Infinity' : '-Infinity';
}
