import type { Db, Tx } from '#store';

export interface ScheduleRow {
  /** What is run. */
  kind: string;
  project: string;
  name: string;
  /** The digest of pattern, time zone and what is run: another one begins anew. */
  definition: string;
  paused: boolean;
  /** The next instant at which it is due; null when there is none. */
  due_at: number | null;
  /** The process that is starting the run which is due. */
  claimed_by: string | null;
  claimed_at: number | null;
  last_due: number | null;
  last_run: string | null;
  missed: number;
  error: string | null;
}

interface Tables {
  schedules: ScheduleRow;
}

const from = (db: Db): ReturnType<typeof db.tables<Tables>> => db.tables<Tables>();

export function listSchedules(db: Db, kind: string, project: string): Promise<ScheduleRow[]> {
  return from(db).selectFrom('schedules').selectAll().where('kind', '=', kind).where('project', '=', project).orderBy('name').execute();
}

/** The row, held until the transaction ends. */
export async function holdSchedule(tx: Tx, kind: string, project: string, name: string): Promise<ScheduleRow | undefined> {
  await tx.lock(`schedule:${kind}/${project}/${name}`);
  return from(tx)
    .selectFrom('schedules')
    .selectAll()
    .where('kind', '=', kind)
    .where('project', '=', project)
    .where('name', '=', name)
    .executeTakeFirst();
}

export async function putSchedule(tx: Tx, row: ScheduleRow): Promise<void> {
  await removeSchedule(tx, row);
  await from(tx).insertInto('schedules').values(row).execute();
}

export async function removeSchedule(tx: Tx, { kind, project, name }: Pick<ScheduleRow, 'kind' | 'project' | 'name'>): Promise<void> {
  await from(tx).deleteFrom('schedules').where('kind', '=', kind).where('project', '=', project).where('name', '=', name).execute();
}
