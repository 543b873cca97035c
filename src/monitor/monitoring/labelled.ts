import { GyreError, isoInstant } from '#core';
import { requireJudged } from '#registry';
import { frameFromRecords } from '#tables';
import type { LooseRecord } from '#tables';
import { actualsOf, measure } from './actuals.ts';
import { instantOf } from './instant.ts';
import { subjectOf } from './judge-window.ts';
import type { LabelledFrame, MonitoringDeps, PerformanceSummary, Range } from './port.ts';
import { selectRange } from './query-store.ts';
import type { WindowInput } from './query-store.ts';
import { valueAs, widened } from './row-values.ts';
import type { ReferenceBook } from './reference.ts';

/** See `Monitoring.labelledFrame`. */
export async function labelledFrame(deps: MonitoringDeps, references: ReferenceBook, range: Range): Promise<LabelledFrame> {
  const rows = await rowsOf(deps, range, true);
  const subject = subjectOf(rows);
  if (subject === undefined) {
    throw new GyreError(
      'FAILED_PRECONDITION',
      `"${range.endpoint}" in ${range.environment} has no labelled prediction of a registered model from ${range.from} to ${range.to}`,
      { ...range },
    );
  }
  const { target, key, rows: like } = await references.facts(subject.modelVersion);
  const { schema } = await deps.data.get(like);
  const keyColumn = key ?? 'prediction';
  // The columns of the data that the model is known by: what no prediction carries (a column that the model does not take) is missing in every row.
  const columns = schema.columns.map(({ name, type }) => ({ name, type }));
  if (!columns.some(({ name }) => name === keyColumn)) columns.unshift({ name: keyColumn, type: 'string' });
  const records = rows.map(({ id, inputs, label, key: named }): LooseRecord => ({ ...inputs, [keyColumn]: named ?? id, [target]: label }));
  const frame = frameFromRecords(
    records.map((record) => Object.fromEntries(columns.map(({ name, type }) => [name, valueAs(type, record[name])]))),
    columns.map(({ name, type }) => ({ name, type: widened(type, name, records) })),
  );
  return { frame, target, key: keyColumn, predictionIds: rows.map(({ id }) => id) };
}

/** See `Monitoring.performanceOver`. */
export async function performanceOver(deps: MonitoringDeps, range: Range): Promise<PerformanceSummary> {
  const rows = await rowsOf(deps, range, false);
  const labelled = rows.filter(({ isLabelled }) => isLabelled);
  const modelVersions = [...new Set(rows.flatMap(({ modelVersion }) => modelVersion ?? []))];
  const subject = subjectOf(labelled);
  const summary = { from: range.from, to: range.to, rows: rows.length, labelled: labelled.length, modelVersions };
  if (subject === undefined) return { ...summary, metrics: [] };
  const { signature } = requireJudged(await deps.registry.getById(subject.modelVersion), 'a metric on actuals');
  const names = deps.settings().performance.map(({ metric }) => metric);
  const seed = `${range.environment}/${range.endpoint} ${isoInstant(instantOf(range.from, 'from'))}`;
  return { ...summary, metrics: measure(actualsOf(signature, labelled), names, seed) };
}

async function rowsOf(
  { store }: MonitoringDeps,
  { environment, endpoint, from, to }: Range,
  onlyLabelled: boolean,
): Promise<readonly WindowInput[]> {
  const range = { environment, endpoint, from: instantOf(from, 'from'), to: instantOf(to, 'to') };
  return store.read((db) => selectRange(db, range, onlyLabelled));
}
