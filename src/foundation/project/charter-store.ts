import type { Charter, CharterVersion } from '#contract';
import { isoInstant } from '#core';
import type { Db, Tx } from '#store';

interface CharterRow {
  project: string;
  version: number;
  digest: string;
  charter: Charter;
  recorded_at: number;
  recorded_by: string;
}

interface Tables {
  charter_versions: CharterRow;
}

function recordOf(row: CharterRow): CharterVersion {
  return {
    digest: row.digest,
    version: row.version,
    project: row.project,
    charter: row.charter,
    recordedAt: isoInstant(row.recorded_at),
    recordedBy: row.recorded_by,
  };
}

export async function findCharter(db: Db, project: string, digest: string): Promise<CharterVersion | undefined> {
  const row = await db
    .tables<Tables>()
    .selectFrom('charter_versions')
    .selectAll()
    .where('project', '=', project)
    .where('digest', '=', digest)
    .executeTakeFirst();
  return row === undefined ? undefined : recordOf(row);
}

/** Newest first. */
export async function listCharters(db: Db, project: string): Promise<CharterVersion[]> {
  const rows = await db
    .tables<Tables>()
    .selectFrom('charter_versions')
    .selectAll()
    .where('project', '=', project)
    .orderBy('version', 'desc')
    .execute();
  return rows.map(recordOf);
}

/** The version that a digest has: found, or the next one, inserted. */
export async function addCharter(
  tx: Tx,
  args: { readonly project: string; readonly digest: string; readonly charter: Charter; readonly at: number; readonly by: string },
): Promise<{ readonly version: CharterVersion; readonly created: boolean }> {
  await tx.lock(`charter:${args.project}`);
  const known = await findCharter(tx, args.project, args.digest);
  if (known !== undefined) return { version: known, created: false };
  const last = await tx
    .tables<Tables>()
    .selectFrom('charter_versions')
    .select('version')
    .where('project', '=', args.project)
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst();
  const row: CharterRow = {
    project: args.project,
    version: (last?.version ?? 0) + 1,
    digest: args.digest,
    charter: args.charter,
    recorded_at: args.at,
    recorded_by: args.by,
  };
  await tx.tables<Tables>().insertInto('charter_versions').values(row).execute();
  return { version: recordOf(row), created: true };
}
