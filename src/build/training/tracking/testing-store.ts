import { sql } from 'kysely';
import type { Db, Tx } from '#store';

/** Whether a metric's points are known to be in the order of time when they are in that of steps. For tests. */
export async function isKnownInOrder(db: Db, run: string, key: string): Promise<boolean> {
  const { rows } = await sql<{ inOrder: boolean | number }>`select l.in_order as "inOrder" from metric_latest l
    join runs r on r.position = l.run join metric_names n on n.id = l.name where r.id = ${run} and n.name = ${key}`.execute(db.tables());
  return Boolean(rows[0]?.inOrder);
}

/** Adds a point to the history of a metric that the run has, as another process does that has not told the last one yet. */
export async function addPointAside(
  tx: Tx,
  run: string,
  key: string,
  { step, value }: { readonly step: number; readonly value: number },
): Promise<void> {
  await sql`insert into metric_points (run, name, step, timestamp, value, is_nan)
    select l.run, l.name, ${step}, ${step}, ${value}, ${false} from metric_latest l
    join runs r on r.position = l.run join metric_names n on n.id = l.name where r.id = ${run} and n.name = ${key}`.execute(tx.tables());
}
