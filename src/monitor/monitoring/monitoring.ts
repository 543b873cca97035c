import { eventType } from '#contract';
import type { Actor, Alert, Window } from '#contract';
import { GyreError, isoInstant } from '#core';
import type { Tx } from '#store';
import { entryOf } from './entry.ts';
import { evaluate } from './evaluate.ts';
import { ingestSegment } from './ingest.ts';
import { instantOf, optionalInstant } from './instant.ts';
import { joinLabels } from './labels.ts';
import { labelledFrame, performanceOver } from './labelled.ts';
import type { Monitoring, MonitoringDeps, PredictionEntry, PredictionQuery, WindowQuery } from './port.ts';
import { countLabelled, placeOf, selectPrediction, selectPredictions, tokenOf } from './query-store.ts';
import { recentRequests } from './recent-requests.ts';
import { openReferences } from './reference.ts';
import { saveAlert, selectAlertState, selectAlerts, selectWindow, selectWindows } from './windows-store.ts';

/** Opens the room over a migrated store. */
export function openMonitoring(deps: MonitoringDeps): Monitoring {
  const { store } = deps;
  const references = openReferences(deps);
  // Evaluations of one process go one after the other: two at once would compute the same windows twice.
  let evaluating: Promise<unknown> = Promise.resolve();
  return {
    ingestSegment: (request) => ingestSegment(deps, request),
    joinLabels: (labels, by) => joinLabels(deps, labels, by),
    evaluate: ({ until, by = deps.actor }) => {
      const run = evaluating.then(() => evaluate(deps, references, until, by));
      evaluating = run.catch(() => undefined);
      return run;
    },
    getWindow: async (id) => found(await store.read((db) => selectWindow(db, id)), 'window', id),
    windows: (query = {}) => windows(deps, query),
    alerts: (query = {}) => store.read((db) => selectAlerts(db, { ...query, limit: pageSize(query.limit, 100, 1000) })),
    getAlert: async (id) => found(await store.read((db) => selectAlertState(db, id)), 'alert', id).alert,
    acknowledge: ({ alert, by }) =>
      store.write((tx, args: { id: string; by: Actor; now: number }) => acknowledge(tx, deps, args), {
        id: alert,
        by,
        now: deps.clock.now(),
      }),
    getPrediction: async (id) => entryOf(found(await store.read((db) => selectPrediction(db, id)), 'logged prediction', id)),
    predictions: (query = {}) => predictions(deps, query),
    labelledRows: ({ environment, endpoint, since, until, package: digest }) => {
      const to = optionalInstant(until, 'until');
      const filter = { environment, endpoint, from: instantOf(since, 'since'), ...(to === undefined ? {} : { to }) };
      return store.read((db) => countLabelled(db, { ...filter, ...(digest === undefined ? {} : { package: digest }) }));
    },
    labelledFrame: (range) => labelledFrame(deps, references, range),
    recentRequests: (query) => recentRequests(deps, query),
    performanceOver: (range) => performanceOver(deps, range),
  };
}

function found<T>(record: T | undefined, what: string, id: string): T {
  if (record !== undefined) return record;
  throw new GyreError('NOT_FOUND', `no ${what} "${id}"`, { id });
}

const pageSize = (limit: number | undefined, usual: number, most: number): number =>
  limit === undefined ? usual : Math.min(Math.max(1, Math.trunc(limit)), most);

async function windows({ store }: MonitoringDeps, query: WindowQuery): Promise<{ items: readonly Window[]; next?: string }> {
  const { environment, endpoint, first = 'newest', after } = query;
  const limit = pageSize(query.limit, 100, 1000);
  const [from, to] = [optionalInstant(query.from, 'from'), optionalInstant(query.to, 'to')];
  const rows = await store.read((db) =>
    selectWindows(db, {
      ...(environment === undefined ? {} : { environment }),
      ...(endpoint === undefined ? {} : { endpoint }),
      ...(from === undefined ? {} : { from }),
      ...(to === undefined ? {} : { to }),
      first,
      limit: limit + 1,
      ...(after === undefined ? {} : { after: placeOf(after) }),
    }),
  );
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return {
    items: shown.map(({ record }) => record),
    ...(rows.length > limit && last !== undefined ? { next: tokenOf({ event_time: last.start, id: last.record.id }) } : {}),
  };
}

async function predictions(
  { store }: MonitoringDeps,
  query: PredictionQuery,
): Promise<{ items: readonly PredictionEntry[]; next?: string }> {
  const { environment, endpoint, modelVersion, key, first = 'newest', keysOnly = false, after } = query;
  const limit = pageSize(query.limit, 100, 10_000);
  const [from, to] = [optionalInstant(query.from, 'from'), optionalInstant(query.to, 'to')];
  const rows = await store.read((db) =>
    selectPredictions(db, {
      ...(environment === undefined ? {} : { environment }),
      ...(endpoint === undefined ? {} : { endpoint }),
      ...(modelVersion === undefined ? {} : { modelVersion }),
      ...(key === undefined ? {} : { key }),
      ...(from === undefined ? {} : { from }),
      ...(to === undefined ? {} : { to }),
      first,
      limit: limit + 1,
      ...(after === undefined ? {} : { after: placeOf(after) }),
    }),
  );
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return {
    items: shown.map((row) => entryOf(row, keysOnly)),
    ...(rows.length > limit && last !== undefined ? { next: tokenOf(last) } : {}),
  };
}

async function acknowledge(tx: Tx, { events }: MonitoringDeps, { id, by, now }: { id: string; by: Actor; now: number }): Promise<Alert> {
  const state = found(await selectAlertState(tx, id), 'alert', id);
  if (state.alert.state === 'acknowledged') return state.alert;
  if (state.alert.state === 'resolved') throw new GyreError('FAILED_PRECONDITION', `alert ${id} is resolved already`, { id });
  const alert: Alert = { ...state.alert, state: 'acknowledged', acknowledgedAt: isoInstant(now), acknowledgedBy: by };
  await saveAlert(tx, { ...state, alert }, null);
  events.publish(tx, { type: eventType('alert.acknowledged'), subject: id, actor: by.identity, data: { id } });
  return alert;
}
