import { eventType } from '#contract';
import type { Actor, Window } from '#contract';
import { hasCode, isoInstant } from '#core';
import type { Events } from '#events';
import type { Tx } from '#store';
import { alertSteps } from './alert-steps.ts';
import type { AlertStep } from './alert-steps.ts';
import { judgeWindow, subjectOf } from './judge-window.ts';
import type { JudgedWindow } from './judge-window.ts';
import type { MonitoringDeps } from './port.ts';
import { selectRange } from './query-store.ts';
import type { Reference, ReferenceBook } from './reference.ts';
import type { WindowRow } from './tables.ts';
import { instantOf } from './instant.ts';
import { newestSubject, saveAlert, saveWindow, selectDue, selectOpenAlert, selectSettledFrom, selectWindowRow } from './windows-store.ts';

interface WindowUpdate {
  readonly row: WindowRow;
  readonly judged: JudgedWindow;
  readonly by: string;
  readonly now: number;
}

/** See `Monitoring.evaluate`. */
export async function evaluate(deps: MonitoringDeps, references: ReferenceBook, until: string, by: Actor): Promise<readonly Window[]> {
  const { store, clock } = deps;
  const end = instantOf(until, 'until');
  const write = (tx: Tx, update: WindowUpdate): Promise<Window | undefined> => recordWindow(tx, deps, update);
  const windows: Window[] = [];
  for (const row of await store.read((db) => selectDue(db, end))) {
    const judged = await judge(deps, references, row);
    const window = await store.write(write, { row, judged, by: by.identity, now: clock.now() });
    if (window !== undefined) windows.push(window);
  }
  return windows;
}

async function judge(deps: MonitoringDeps, references: ReferenceBook, row: WindowRow): Promise<JudgedWindow> {
  const { store, clock, newId, settings } = deps;
  const { environment, endpoint, start, length_ms } = row;
  const end = start + length_ms;
  const rows = await store.read((db) => selectRange(db, { environment, endpoint, from: start, to: end }));
  const subject = subjectOf(rows);
  const reference = subject === undefined ? undefined : await referenceOf(references, subject.modelVersion, settings().reference);
  const facts = { id: row.id ?? newId(), environment, endpoint, revision: row.revision + 1, start, end, computedAt: clock.now() };
  return judgeWindow(facts, rows, reference, subject?.generation ?? null, settings());
}

/** A version without a reference (its data are gone, or its trainer is not ours) has its windows reported, never judged. */
async function referenceOf(references: ReferenceBook, modelVersion: string, part: string): Promise<Reference | undefined> {
  try {
    return await references.reference(modelVersion, part);
  } catch (error) {
    if (hasCode(error, 'NOT_FOUND') || hasCode(error, 'FAILED_PRECONDITION') || hasCode(error, 'DATA_LOSS')) return undefined;
    throw error;
  }
}

/** The window, what it means for its endpoint's alert, and the events of both. @returns undefined when another process was quicker */
async function recordWindow(tx: Tx, deps: MonitoringDeps, { row, judged, by, now }: WindowUpdate): Promise<Window | undefined> {
  const { environment, endpoint } = row;
  await tx.lock(`monitoring ${environment}/${endpoint}`);
  const current = await selectWindowRow(tx, row);
  if (current === undefined || current.revision !== row.revision) return undefined;
  const { window, findings, generation } = judged;
  const context = {
    open: await selectOpenAlert(tx, environment, endpoint),
    before: row.findings ?? undefined,
    newest: await newestSubject(tx, environment, endpoint),
    settledFrom: await selectSettledFrom(tx, environment, endpoint),
    now,
    newId: deps.newId,
  };
  await saveWindow(tx, { key: row, computed: row.changes, record: window, findings, generation });
  const { id, revision, rows, labelled } = window;
  const data = { id, environment, endpoint, revision, rows, labelled };
  deps.events.publish(tx, { type: eventType('window.evaluated'), subject: id, actor: by, data });
  for (const step of alertSteps(judged, context)) await recordStep(tx, deps.events, step, window, by);
  return window;
}

async function recordStep(tx: Tx, events: Events, step: AlertStep, window: Window, by: string): Promise<void> {
  const { alert } = step.state;
  const { id, kind, cause, environment, endpoint, modelVersion } = alert;
  await saveAlert(tx, step.state, step.kind === 'resolved' ? step.settledFrom : null);
  const about = { subject: id, actor: by };
  switch (step.kind) {
    case 'raised':
      events.publish(tx, {
        ...about,
        type: eventType('alert.raised'),
        reason: cause,
        data: { id, kind, environment, endpoint, modelVersion, cause },
      });
      break;
    case 'updated':
      events.publish(tx, { ...about, type: eventType('alert.updated'), reason: cause, data: { id, kind, cause, windows: alert.windows } });
      break;
    case 'resolved':
      events.publish(tx, {
        ...about,
        type: eventType('alert.resolved'),
        reason: alert.resolution ?? isoInstant(Date.parse(window.start)),
        data: { id, window: window.id },
      });
  }
}
