import type { MetricPoint } from '#contract';
import type { Db, Tx } from '#store';
import type { MetricRow, TrainingTables } from './tables.ts';

/** Bound variables of one statement are limited (SQLite: 32,766), so long histories go in by parts. */
const rowsPerStatement = 2000;

/** Appends values to metrics' histories and keeps the last one of each: that of the highest step, then time, then arrival. */
export async function insertMetrics(tx: Tx, rows: readonly MetricRow[]): Promise<void> {
  for (let start = 0; start < rows.length; start += rowsPerStatement) {
    await tx
      .tables<TrainingTables>()
      .insertInto('run_metrics')
      .values(rows.slice(start, start + rowsPerStatement))
      .execute();
  }
  const latest = new Map<string, MetricRow>();
  for (const row of rows) {
    const name = JSON.stringify([row.run, row.key]);
    const known = latest.get(name);
    if (known === undefined || !isBefore(row, known)) latest.set(name, row);
  }
  for (const row of latest.values()) {
    await tx
      .tables<TrainingTables>()
      .insertInto('run_metrics_latest')
      .values(row)
      .onConflict((conflict) =>
        conflict
          .columns(['run', 'key'])
          .doUpdateSet({ step: row.step, timestamp: row.timestamp, value: row.value })
          .where((where) =>
            where.or([
              where('run_metrics_latest.step', '<', row.step),
              where.and([where('run_metrics_latest.step', '=', row.step), where('run_metrics_latest.timestamp', '<=', row.timestamp)]),
            ]),
          ),
      )
      .execute();
  }
}

const isBefore = (row: MetricRow, other: MetricRow): boolean =>
  row.step < other.step || (row.step === other.step && row.timestamp < other.timestamp);

/** Where a page of a history ends: its last step and position. */
export interface HistoryPlace {
  readonly step: number;
  readonly position: number;
}

/** A metric's values in the order of steps, then of arrival. */
export async function selectHistory(
  db: Db,
  run: string,
  key: string,
  limit: number,
  after: HistoryPlace | undefined,
): Promise<{ readonly point: MetricPoint; readonly place: HistoryPlace }[]> {
  let rows = db
    .tables<TrainingTables>()
    .selectFrom('run_metrics')
    .select(['position', 'key', 'value', 'step', 'timestamp'])
    .where('run', '=', run)
    .where('key', '=', key);
  if (after !== undefined) {
    rows = rows
      .where('step', '>=', after.step)
      .where((where) => where.or([where('step', '>', after.step), where('position', '>', after.position)]));
  }
  const found = await rows.orderBy('step').orderBy('position').limit(limit).execute();
  return found.map(({ position = 0, ...point }) => ({ point, place: { step: point.step, position } }));
}
