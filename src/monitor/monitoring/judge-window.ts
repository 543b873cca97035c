import type { IntegrityFinding, Window } from '#contract';
import { isoInstant } from '#core';
import { quantile, wilsonInterval } from '#stats';
import { actualsOf, measure } from './actuals.ts';
import { driftOf } from './drift.ts';
import type { DriftSubject } from './drift.ts';
import type { Findings } from './findings.ts';
import { integrityOf } from './integrity.ts';
import type { MonitorSettings } from './port.ts';
import type { WindowInput } from './query-store.ts';
import type { Reference } from './reference.ts';
import { judgeMetrics } from './thresholds.ts';

export interface WindowFacts extends Pick<Window, 'id' | 'environment' | 'endpoint' | 'revision'> {
  /** UTC milliseconds. */
  readonly start: number;
  readonly end: number;
  readonly computedAt: number;
}

/** A window with its verdict. */
export interface JudgedWindow {
  readonly window: Window;
  readonly findings: Findings;
  /** The newest generation of the version that it speaks of; null when that is none of the registry's. */
  readonly generation: number | null;
  /** Labels enough to judge, and every watched metric is on the right side of its threshold. */
  readonly recovered: boolean;
}

/** The version that served most of a window's rows, and its rows; of two with as many the newer. */
export function subjectOf(rows: readonly WindowInput[]): { readonly modelVersion: string; readonly generation: number } | undefined {
  const counts = new Map<string, { rows: number; generation: number }>();
  for (const { modelVersion, generation } of rows) {
    if (modelVersion === null) continue;
    const entry = counts.get(modelVersion) ?? { rows: 0, generation: 0 };
    counts.set(modelVersion, { rows: entry.rows + 1, generation: Math.max(entry.generation, generation) });
  }
  const [most] = [...counts].sort(([, a], [, b]) => b.rows - a.rows || b.generation - a.generation);
  return most === undefined ? undefined : { modelVersion: most[0], generation: most[1].generation };
}

/**
 * Computes a window from its rows. Volume, latency and integrity are of all rows; drift and performance of the rows of one version, held
 * against that version's own reference and test report. Pure: the same rows and reference give the same window.
 */
export function judgeWindow(
  facts: WindowFacts,
  rows: readonly WindowInput[],
  reference: Reference | undefined,
  generation: number | null,
  settings: MonitorSettings,
): JudgedWindow {
  const { alpha, psi } = settings.drift;
  const watched = settings.environments === undefined || settings.environments.includes(facts.environment);
  const own = reference === undefined ? [] : rows.filter(({ modelVersion }) => modelVersion === reference.version.id);
  const judged = watched && own.length >= settings.minRows;
  const latencies = rows.map(({ latencyMs }) => latencyMs);
  const inputs = (reference?.version.signature.inputs ?? []).filter(({ name }) => settings.unlogged?.includes(name) !== true);
  const integrity = integrityOf(
    inputs,
    own.map((row) => row.inputs),
    (column) => reference?.columns.get(column)?.missingShare ?? 0,
  );

  const subjects = reference === undefined ? [] : driftSubjects(reference, own, settings);
  const drifts = driftOf(subjects, { alpha, psi });
  const columns = drifts.filter(({ kind }) => kind !== 'prediction');
  const predictionDrift = drifts.find(({ kind }) => kind === 'prediction');
  const drifted = columns.filter((column) => column.drifted).sort((a, b) => b.psi - a.psi);

  const labelled = own.filter(({ isLabelled }) => isLabelled);
  const actuals = reference === undefined ? undefined : actualsOf(reference.version.signature, labelled);
  const enough = judged && (actuals?.truth.length ?? 0) >= settings.minRows;
  const names = settings.performance.map(({ metric }) => metric);
  const measured = actuals === undefined ? [] : measure(actuals, names, facts.id);
  const { metrics, missed, recovered } = judgeMetrics(measured, settings.performance, reference?.report, enough);
  const foreign = actuals === undefined ? [] : foreignLabels(actuals.foreign, labelled.length);

  const window: Window = {
    id: facts.id,
    environment: facts.environment,
    endpoint: facts.endpoint,
    start: isoInstant(facts.start),
    end: isoInstant(facts.end),
    revision: facts.revision,
    modelVersions: [...new Set(rows.flatMap(({ modelVersion }) => modelVersion ?? []))],
    ...(reference === undefined ? {} : { modelVersion: reference.version.id }),
    rows: rows.length,
    labelled: rows.filter(({ isLabelled }) => isLabelled).length,
    latency: { p50Ms: quantileOrNull(latencies, 0.5), p99Ms: quantileOrNull(latencies, 0.99) },
    integrity: [...integrity.map(({ finding }) => finding), ...foreign],
    drift: columns,
    driftedColumns: drifted.map(({ column }) => column),
    ...(predictionDrift === undefined ? {} : { predictionDrift }),
    performance: [...metrics],
    judged,
    computedAt: isoInstant(facts.computedAt),
  };
  const limits = { psi, alpha };
  if (!judged) return { window, findings: { limits }, generation, recovered: false };
  const grave = integrity.filter(({ isGrave }) => isGrave).map(({ finding }) => finding);
  const latency = latencyFinding(latencies, settings.latencyP99Ms);
  const holds = metrics.flatMap(({ name, value, threshold, met }) =>
    met === true && value !== null && threshold !== undefined ? [{ metric: name, value, threshold }] : [],
  );
  const findings: Findings = {
    limits,
    ...(missed.length === 0 ? {} : { performance: missed[0] }),
    ...(drifted.length === 0
      ? {}
      : {
          drift: {
            columns: drifted.map(({ column, psi: size, adjustedPValue }) => ({ column, psi: size, adjustedPValue })),
            of: columns.length,
          },
        }),
    ...(predictionDrift?.drifted === true ? { predictionDrift: { psi: predictionDrift.psi } } : {}),
    ...(grave.length === 0 ? {} : { integrity: grave }),
    ...(latency === undefined ? {} : { latency }),
    ...(enough ? { holds } : {}),
  };
  return { window, findings, generation, recovered };
}

function driftSubjects(reference: Reference, rows: readonly WindowInput[], settings: MonitorSettings): readonly DriftSubject[] {
  const { signature } = reference.version;
  const wanted = settings.drift.columns;
  const subjects = signature.inputs.flatMap(({ name, datatype }): readonly DriftSubject[] => {
    const column = reference.columns.get(name);
    if (column === undefined || (wanted !== undefined && !wanted.includes(name)) || settings.unlogged?.includes(name) === true) return [];
    const kind = datatype === 'BYTES' ? 'text' : 'number';
    return [{ column: name, kind, reference: column, values: rows.map(({ inputs }) => inputs[name]) }];
  });
  if (reference.predictions === undefined) return subjects;
  const values = rows.map(({ score, predicted }) => (signature.task === 'multiclass' ? predicted : score));
  return [...subjects, { column: 'prediction', kind: 'prediction', reference: reference.predictions, values }];
}

const quantileOrNull = (values: readonly number[], q: number): number | null => (values.length === 0 ? null : quantile(values, q));

/** Labels that the model has no class for. */
function foreignLabels(rows: number, labelled: number): readonly IntegrityFinding[] {
  return rows === 0 ? [] : [{ kind: 'unseen_category', column: '(label)', rows, share: rows / labelled, example: null }];
}

/** Too slow when beyond doubt (95 %) more than one answer in a hundred takes longer than the limit. */
function latencyFinding(latencies: readonly number[], limitMs: number | undefined): Findings['latency'] {
  if (limitMs === undefined) return undefined;
  const slow = latencies.filter((latency) => latency > limitMs).length;
  if (wilsonInterval(slow, latencies.length).low <= 0.01) return undefined;
  return { p99Ms: quantile(latencies, 0.99), limitMs };
}
