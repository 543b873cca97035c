import { sql } from 'kysely';
import type { Db } from '#store';

/** Which of these tables hold a row. For tests. */
export async function tablesWithRows(db: Db, tables: readonly string[]): Promise<readonly string[]> {
  const found: string[] = [];
  for (const table of tables) {
    const { rows } = await sql`select 1 from ${sql.table(table)} limit 1`.execute(db.tables());
    if (rows.length > 0) found.push(table);
  }
  return found;
}
