import { sql } from 'kysely';
import type { Db } from '#store';

/** Whether a metric's points are known to be in the order of time when they are in that of steps. For tests. */
export async function isKnownInOrder(db: Db, run: string, key: string): Promise<boolean> {
  const { rows } = await sql<{ inOrder: boolean | number }>`select l.in_order as "inOrder" from metric_latest l
    join runs r on r.position = l.run join metric_names n on n.id = l.name where r.id = ${run} and n.name = ${key}`.execute(db.tables());
  return Boolean(rows[0]?.inOrder);
}
