import type { Db, RowsOf, Tx } from '#store';
import type { Series } from '../history-store.ts';
import type { TrainingTables } from '../tables.ts';
import { decodeStretches, encodeStretches } from './stretches.ts';
import type { Outline } from './stretches.ts';

/*
 * Outlines of long metrics, kept so that a figure of many runs need not read every point. They hold for as long as later steps never came
 * with earlier times or steps: what is below `until` can then not have changed.
 */

export type KeptOutline = Series & { readonly outline: Outline };

const byKey = [
  { name: 'run', type: 'integer' },
  { name: 'name', type: 'integer' },
] as const;
const kept: RowsOf = { table: 'metric_outlines', select: ['width', 'until_step', 'stretches'], by: byKey };

/** The outlines of these series, by run; those that have none are left out. */
export async function outlinesOf(db: Db, series: readonly Series[]): Promise<ReadonlyMap<number, Outline>> {
  const rows = await db.rowsOf(
    kept,
    series.map(({ run, name }) => [run, name]),
  );
  return new Map(
    rows.flatMap((found, at) =>
      found.flatMap(([width, until, bytes]) =>
        bytes instanceof Uint8Array
          ? [[series[at].run, { width: Number(width), until: Number(until), stretches: decodeStretches(bytes) }] as const]
          : [],
      ),
    ),
  );
}

export async function keepOutlines(tx: Tx, outlines: readonly KeptOutline[]): Promise<void> {
  const there = await tx.rowsOf(
    { table: 'metric_latest', select: ['run'], by: byKey },
    outlines.map(({ run, name }) => [run, name]),
  );
  // A run may have been erased since it was read.
  for (const [at, { run, name, outline }] of outlines.entries()) {
    if (there[at].length === 0) continue;
    const values = { width: outline.width, until_step: outline.until, stretches: encodeStretches(outline.stretches) };
    await tx
      .tables<TrainingTables>()
      .insertInto('metric_outlines')
      .values({ run, name, ...values })
      .onConflict((conflict) => conflict.columns(['run', 'name']).doUpdateSet(values))
      .execute();
  }
}

/** Metrics of a run that may be long: their last step is at least this one, and later steps never came earlier. */
export async function longMetricsOf(db: Db, run: number, step: number): Promise<readonly Series[]> {
  return db
    .tables<TrainingTables>()
    .selectFrom('metric_latest')
    .select(['run', 'name'])
    .where('run', '=', run)
    .where('step', '>=', step)
    .where('in_order', '=', true)
    .execute();
}
