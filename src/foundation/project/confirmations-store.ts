import type { Actor, CharterConfirmation } from '#contract';
import { isoInstant } from '#core';
import type { Db, Tx } from '#store';

interface Row {
  readonly position?: number;
  readonly project: string;
  readonly charter: string;
  readonly data: Readonly<Record<string, string>>;
  readonly confirmed_by: Actor;
  readonly comment: string | null;
  readonly confirmed_at: number;
}

interface Tables {
  charter_confirmations: Row;
}

export async function addConfirmation(
  tx: Tx,
  confirmation: Omit<CharterConfirmation, 'confirmedAt'> & { readonly at: number },
): Promise<CharterConfirmation> {
  const { project, charter, data, by, comment, at } = confirmation;
  const row: Row = { project, charter, data, confirmed_by: by, comment: comment ?? null, confirmed_at: at };
  await tx.tables<Tables>().insertInto('charter_confirmations').values(row).execute();
  return toConfirmation(row);
}

/** Newest first. */
export async function listConfirmations(db: Db, project: string): Promise<CharterConfirmation[]> {
  const rows = await db
    .tables<Tables>()
    .selectFrom('charter_confirmations')
    .selectAll()
    .where('project', '=', project)
    .orderBy('position', 'desc')
    .execute();
  return rows.map(toConfirmation);
}

function toConfirmation(row: Row): CharterConfirmation {
  return {
    project: row.project,
    charter: row.charter,
    data: { ...row.data },
    by: row.confirmed_by,
    ...(row.comment === null ? {} : { comment: row.comment }),
    confirmedAt: isoInstant(row.confirmed_at),
  };
}
