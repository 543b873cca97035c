import type { Alert } from '#contract';
import { GyreError, isoInstant } from '#core';
import { causeOf, titleOf } from './cause.ts';
import { gravest } from './findings.ts';
import type { Findings } from './findings.ts';
import type { JudgedWindow } from './judge-window.ts';
import type { AlertState } from './windows-store.ts';

/** What a window does to its endpoint's alert. */
export type AlertStep =
  | { readonly kind: 'raised' | 'updated'; readonly state: AlertState }
  | { readonly kind: 'resolved'; readonly state: AlertState; readonly settledFrom: number };

export interface AlertContext {
  /** The endpoint's alert that is not resolved. */
  readonly open: AlertState | undefined;
  /** What the window's revision before had found; undefined when this is the first. */
  readonly before: Findings | undefined;
  /** Whom the newest generation among the endpoint's judged windows belongs to. */
  readonly newest: { readonly modelVersion: string; readonly generation: number } | undefined;
  /** Windows that start before belong to what is settled. */
  readonly settledFrom: number | undefined;
  /** UTC milliseconds. */
  readonly now: number;
  readonly newId: () => string;
}

const gravity: Readonly<Record<Alert['kind'], number>> = { performance: 5, drift: 4, prediction_drift: 3, integrity: 2, latency: 1 };

/**
 * Decides what a judged window means for the endpoint's alert: there is one at a time, later findings join it, and it grows graver but
 * never less grave. It ends when a window shows nothing wrong any more, or when another version is live: then that one's windows
 * may raise the next. Windows come in any order, since labels come late.
 */
export function alertSteps(judged: JudgedWindow, context: AlertContext): readonly AlertStep[] {
  const { window, findings, generation } = judged;
  const { open } = context;
  const version = window.modelVersion;
  if (!window.judged || version === undefined || generation === null) return [];
  const kind = gravest(findings);
  const start = Date.parse(window.start);
  if (context.settledFrom !== undefined && start < context.settledFrom) return [];
  if (open === undefined) return kind === undefined || isReplaced(judged, context) ? [] : [raise(judged, kind, context)];
  if (version !== open.alert.modelVersion) {
    if (generation < open.generation || start < Date.parse(open.alert.since)) return [];
    const replaced = `model version ${open.alert.modelVersion} is no longer live`;
    if (kind === undefined) return judged.recovered || !isAboutActuals(open) ? [resolve(judged, open, replaced, context)] : [];
    return [resolve(judged, open, `${replaced}; its successor has an alert of its own`, context), raise(judged, kind, context)];
  }
  if (kind !== undefined) return join(judged, kind, open, context);
  const isLater = start >= open.lastStart;
  return isLater && (judged.recovered || !isAboutActuals(open)) ? [resolve(judged, open, 'nothing is wrong any more', context)] : [];
}

/** Whether only labels can show that it is over. */
const isAboutActuals = ({ findings }: AlertState): boolean => findings.performance !== undefined;

/** About a version that is no longer live: its late labels alarm nobody. */
function isReplaced({ window, generation }: JudgedWindow, { newest }: AlertContext): boolean {
  return newest !== undefined && newest.modelVersion !== window.modelVersion && newest.generation > (generation ?? 0);
}

const windowMs = ({ window }: JudgedWindow): number => Date.parse(window.end) - Date.parse(window.start);

function raise(judged: JudgedWindow, kind: Alert['kind'], { now, newId }: AlertContext): AlertStep {
  const { window, findings, generation } = judged;
  if (window.modelVersion === undefined || generation === null) {
    throw new GyreError('INTERNAL', `window ${window.id} speaks of no model version and cannot raise an alert`);
  }
  const { environment, endpoint, modelVersion, start } = window;
  const alert: Alert = {
    id: newId(),
    state: 'open',
    environment,
    endpoint,
    modelVersion,
    since: start,
    firstWindow: window.id,
    lastWindow: window.id,
    windows: 1,
    raisedAt: isoInstant(now),
    ...worded(kind, { environment, endpoint, since: start, windowMs: windowMs(judged) }, findings),
  };
  return { kind: 'raised', state: { alert, findings, generation, lastStart: Date.parse(start) } };
}

/** Another window that crossed: newer, older, or the same again with more labels. */
function join(judged: JudgedWindow, kind: Alert['kind'], open: AlertState, { before }: AlertContext): readonly AlertStep[] {
  const { window, generation } = judged;
  const { alert } = open;
  const start = Date.parse(window.start);
  const isNewest = start >= open.lastStart;
  const isOldest = start < Date.parse(alert.since);
  const isCounted = before !== undefined && gravest(before) !== undefined && !isOldest;
  const isGraver = gravity[kind] > gravity[alert.kind];
  if (isCounted && !isNewest && !isGraver) return [];
  // An older window that is graver adds its figures; what the newest one says of the rest stays.
  const findings = isNewest ? followed(open, judged.findings) : { ...judged.findings, ...open.findings };
  const since = isOldest ? window.start : alert.since;
  const next: Alert = {
    ...alert,
    ...(isNewest ? { lastWindow: window.id } : {}),
    ...(isOldest ? { firstWindow: window.id } : {}),
    since,
    windows: alert.windows + (isCounted ? 0 : 1),
    ...worded(isGraver ? kind : alert.kind, { ...alert, since, windowMs: windowMs(judged) }, findings),
  };
  const newest = { generation: Math.max(open.generation, generation ?? 0), lastStart: Math.max(open.lastStart, start) };
  return [{ kind: 'updated', state: { alert: next, findings, ...newest } }];
}

/**
 * What an alert says after a newer window: that window's findings, and of the older ones what it could not look at (there are no labels
 * yet) and what the alert is named after.
 */
function followed({ alert, findings: known }: AlertState, newer: Findings): Findings {
  const isMeasured = newer.performance !== undefined || newer.holds !== undefined;
  const own: Partial<Findings> = {
    ...(known.performance !== undefined && (alert.kind === 'performance' || !isMeasured) ? { performance: known.performance } : {}),
    ...(known.drift !== undefined && alert.kind === 'drift' ? { drift: known.drift } : {}),
    ...(known.predictionDrift !== undefined && alert.kind === 'prediction_drift' ? { predictionDrift: known.predictionDrift } : {}),
    ...(known.integrity !== undefined && alert.kind === 'integrity' ? { integrity: known.integrity } : {}),
    ...(known.latency !== undefined && alert.kind === 'latency' ? { latency: known.latency } : {}),
  };
  return { ...own, ...newer };
}

function resolve({ window }: JudgedWindow, open: AlertState, reason: string, { now }: AlertContext): AlertStep {
  const measured = window.performance.flatMap(({ name, value, threshold, met }) =>
    met !== true || threshold === undefined || value === null ? [] : [`${name} ${value.toFixed(2)} meets ${threshold}`],
  );
  const found = window.driftedColumns.length === 0 ? ['no column drifts'] : [];
  const alert: Alert = {
    ...open.alert,
    state: 'resolved',
    resolvedAt: isoInstant(now),
    resolution: [`${reason} in the window of ${window.start.slice(0, 10)}`, [...measured, ...found].join(', ')].filter(Boolean).join(': '),
  };
  return { kind: 'resolved', state: { ...open, alert }, settledFrom: Date.parse(window.start) };
}

function worded(
  kind: Alert['kind'],
  about: Parameters<typeof causeOf>[1],
  findings: Findings,
): Pick<Alert, 'kind' | 'title' | 'cause' | 'metric' | 'observed' | 'threshold' | 'columns'> {
  const { performance, drift, predictionDrift, integrity, latency, limits } = findings;
  const columns = drift === undefined ? [] : [...drift.columns];
  const words = { kind, title: titleOf(kind, about, findings), cause: causeOf(kind, about, findings), columns };
  const least = `psi < ${limits.psi} or p > ${limits.alpha}`;
  switch (kind) {
    case 'performance':
      return { ...words, ...named(performance?.metric), observed: performance?.value ?? null, threshold: performance?.threshold ?? '' };
    case 'drift':
      return { ...words, metric: 'psi', observed: columns[0]?.psi ?? null, threshold: least };
    case 'prediction_drift':
      return { ...words, metric: 'psi', observed: predictionDrift?.psi ?? null, threshold: least };
    case 'integrity':
      return { ...words, ...named(integrity?.[0]?.kind), observed: integrity?.[0]?.share ?? null, threshold: '<= 0.01' };
    case 'latency':
      return { ...words, metric: 'latency_p99_ms', observed: latency?.p99Ms ?? null, threshold: `<= ${latency?.limitMs ?? ''}` };
  }
}

const named = (metric: string | undefined): { readonly metric?: string } => (metric === undefined ? {} : { metric });
