import { Type } from 'typebox';
import {
  Action,
  Alert,
  Explanation,
  Id,
  Instant,
  LabelBatch,
  Name,
  Window,
  actionKinds,
  alertStates,
  oneOf,
  page,
  strict,
} from '#contract';
import { GyreError, isoInstant } from '#core';
import type { PredictionEntry } from '#monitoring';
import type { ApiDeps } from '../port.ts';
import { route, type Route } from '../route.ts';
import { ById, LabelsJoined, PerformanceSummary, PredictionRecord, Reason, WindowsEvaluated, first, paging } from '../shapes.ts';
import type { Caller } from './data/masks.ts';
import { explainedPrediction } from './explained-prediction.ts';
import { masksOfPredictions, requireKeysSeen } from './masked-predictions.ts';
import { pageOf } from './paging.ts';

const range = { from: Type.Optional(Instant), to: Type.Optional(Instant) };
const where = { environment: Type.Optional(Name), endpoint: Type.Optional(Name) };

export const monitoringRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/api/v1/labels',
    permission: 'log',
    tag: 'monitoring',
    summary: 'Joins what really happened to predictions, by id; the same label again changes nothing',
    body: LabelBatch,
    bodyLimit: 32 * 1024 * 1024,
    answer: LabelsJoined,
    handle: ({ monitoring }, { body, by }) => monitoring.joinLabels(body.labels, by),
  }),
  route({
    method: 'GET',
    path: '/api/v1/predictions',
    permission: 'read',
    tag: 'monitoring',
    summary: 'Predictions by event time, with their labels',
    query: strict({ ...paging, ...where, ...range, ...first, modelVersion: Type.Optional(Id), key: Type.Optional(Type.String()) }),
    answer: page(PredictionRecord),
    handle: async (rooms, call) => {
      if (call.query.key !== undefined) requireKeysSeen(rooms, call);
      const { items, next } = await rooms.monitoring.predictions(call.query);
      return { items: await recordsOf(rooms, call, items), ...(next === undefined ? {} : { next }) };
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/predictions/:id',
    permission: 'read',
    tag: 'monitoring',
    summary: 'A prediction as it was logged, with what became of it',
    params: ById,
    answer: PredictionRecord,
    handle: async (rooms, call) => {
      const [record] = await recordsOf(rooms, call, [await rooms.monitoring.getPrediction(call.params.id)]);
      return record;
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/predictions/:id/explanation',
    permission: 'read',
    tag: 'monitoring',
    summary: 'What moved a prediction: contributions that add up to its margin',
    params: ById,
    query: strict({ groupBy: Type.Optional(oneOf(['feature', 'column'])) }),
    answer: Explanation,
    handle: async (rooms, call) => {
      const { monitoring, registry } = rooms;
      const { params, query } = call;
      const { prediction, modelVersion } = await monitoring.getPrediction(params.id);
      if (prediction === undefined || modelVersion === undefined) {
        throw new GyreError(
          'FAILED_PRECONDITION',
          `prediction ${params.id} cannot be explained: its inputs or its model version are not on record`,
        );
      }
      const explanation = await explainedPrediction(rooms, { version: await registry.getById(modelVersion), prediction, ...query });
      return (await masksOfPredictions(rooms, call, [prediction])).explanation(explanation);
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/monitor/ingest',
    permission: 'log',
    tag: 'monitoring',
    summary: 'Ships what the data planes have logged until now',
    body: strict({ environment: Type.Optional(Name) }),
    answer: strict({ shipped: Type.Literal(true) }),
    handle: async ({ loop }, { body }) => {
      await loop.collectPredictions(body.environment);
      return { shipped: true as const };
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/monitor/evaluate',
    permission: 'operate',
    tag: 'monitoring',
    summary: 'Judges every window that ended and changed since it was judged; raises, updates and resolves alerts',
    body: strict({ until: Type.Optional(Instant) }),
    answer: WindowsEvaluated,
    handle: async ({ monitoring, triggers, clock }, { body, by }) => {
      const until = body.until ?? isoInstant(clock.now());
      const windows = await monitoring.evaluate({ until, by });
      // Whoever asked sees what the policy made of it: its actions are on record when this answers.
      await triggers.caughtUp();
      return { until, windows: windows.map(({ id, start, end, rows }) => ({ id, start, end, rows })) };
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/performance',
    permission: 'read',
    tag: 'monitoring',
    summary: 'How well predictions of a stretch of time did against actuals, whatever versions served in it',
    query: strict({ environment: Name, endpoint: Name, from: Instant, to: Instant }),
    answer: PerformanceSummary,
    handle: ({ monitoring }, { query }) => monitoring.performanceOver(query),
  }),
  route({
    method: 'GET',
    path: '/api/v1/windows',
    permission: 'read',
    tag: 'monitoring',
    summary: 'Windows by their start',
    query: strict({ ...paging, ...where, ...range, ...first }),
    answer: page(Window),
    handle: ({ monitoring }, { query }) => monitoring.windows(query),
  }),
  route({
    method: 'GET',
    path: '/api/v1/windows/:id',
    permission: 'read',
    tag: 'monitoring',
    summary: 'A window: volume, latency, integrity, drift, performance',
    params: ById,
    answer: Window,
    handle: ({ monitoring }, { params }) => monitoring.getWindow(params.id),
  }),
  route({
    method: 'GET',
    path: '/api/v1/alerts',
    permission: 'read',
    tag: 'monitoring',
    summary: 'Alerts, newest first',
    query: strict({ ...paging, ...where, state: Type.Optional(oneOf(alertStates)) }),
    answer: page(Alert),
    handle: async ({ monitoring }, { query: { limit, after, ...filter } }) =>
      pageOf(await monitoring.alerts({ ...filter, limit: 1000 }), { limit, ...(after === undefined ? {} : { after }) }, ({ id }) => id),
  }),
  route({
    method: 'GET',
    path: '/api/v1/alerts/:id',
    permission: 'read',
    tag: 'monitoring',
    summary: 'An alert with its cause',
    params: ById,
    answer: Alert,
    handle: ({ monitoring }, { params }) => monitoring.getAlert(params.id),
  }),
  route({
    method: 'POST',
    path: '/api/v1/alerts/:id/acknowledge',
    permission: 'operate',
    tag: 'monitoring',
    summary: 'Says that somebody has seen an alert; it stays open to updates and resolves by itself',
    params: ById,
    answer: Alert,
    handle: ({ monitoring }, { params, by }) => monitoring.acknowledge({ alert: params.id, by }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/actions',
    permission: 'read',
    tag: 'triggers',
    summary: 'What alerts and people have set in motion, newest first',
    query: strict({
      ...paging,
      alert: Type.Optional(Id),
      kind: Type.Optional(oneOf(actionKinds)),
      state: Type.Optional(oneOf(['waiting', 'started', 'succeeded', 'failed', 'skipped'])),
    }),
    answer: page(Action),
    handle: async ({ triggers }, { query: { limit, after, ...filter } }) =>
      pageOf(await triggers.actions({ ...filter, limit: 1000 }), { limit, ...(after === undefined ? {} : { after }) }, ({ id }) => id),
  }),
  route({
    method: 'GET',
    path: '/api/v1/actions/:id',
    permission: 'read',
    tag: 'triggers',
    summary: 'An action with its outcome',
    params: ById,
    answer: Action,
    handle: ({ triggers }, { params }) => triggers.getAction(params.id),
  }),
  route({
    method: 'POST',
    path: '/api/v1/actions/retrain',
    permission: 'operate',
    tag: 'triggers',
    summary: 'Starts a retraining that a person asks for',
    body: strict({ reason: Reason }),
    answer: Action,
    status: 202,
    handle: ({ triggers }, { body, by }) => triggers.retrain({ reason: body.reason, by }),
  }),
];

/** As it was logged, with what monitoring made of it beside. */
type Logged = Omit<PredictionEntry, 'prediction'> & NonNullable<PredictionEntry['prediction']>;

/** Predictions as they were logged, as the caller may see them. */
async function recordsOf(rooms: ApiDeps, caller: Caller, entries: readonly PredictionEntry[]): Promise<Logged[]> {
  const logged = entries.map(({ prediction, ...entry }) => {
    if (prediction === undefined) throw new GyreError('DATA_LOSS', `what was logged with prediction ${entry.id} is not on record`);
    return { prediction, entry };
  });
  const masks = await masksOfPredictions(
    rooms,
    caller,
    logged.map(({ prediction }) => prediction),
  );
  return logged.map(({ prediction, entry }) => {
    const seen = masks.prediction(prediction);
    return { ...seen, ...entry, ...(seen.key === undefined ? {} : { key: seen.key }) };
  });
}
