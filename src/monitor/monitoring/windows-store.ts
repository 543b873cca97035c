import type { Alert, Window } from '#contract';
import { portions } from '#store';
import type { Db, Tx } from '#store';
import type { Findings } from './findings.ts';
import type { AlertRow, Tables, WindowRow } from './tables.ts';

/** A prediction that came or whose label changed. */
export interface Mark {
  readonly environment: string;
  readonly endpoint: string;
  readonly eventTime: number;
}

/** What names a window. */
export type WindowKey = Pick<WindowRow, 'environment' | 'endpoint' | 'start' | 'length_ms'>;

/** The start of the window that an instant lies in: windows are aligned to 1970-01-01T00:00Z. */
export function startOf(instantMs: number, windowMs: number): number {
  return Math.floor(instantMs / windowMs) * windowMs;
}

/** Windows that have to be computed (again). In the order of their keys, so that two writers never wait for each other. */
export async function markWindows(tx: Tx, marks: readonly Mark[], windowMs: number): Promise<void> {
  const keys = new Map<string, WindowKey>();
  for (const { environment, endpoint, eventTime } of marks) {
    const start = startOf(eventTime, windowMs);
    keys.set(JSON.stringify([environment, endpoint, start]), { environment, endpoint, start, length_ms: windowMs });
  }
  const ordered = [...keys].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, key]) => key);
  const fresh = { changes: 1, computed: 0, id: null, revision: 0, judged: false, generation: null, findings: null, record: null };
  for (const portion of portions(ordered, 500)) {
    await tx
      .tables<Tables>()
      .insertInto('monitor_windows')
      .values(portion.map((key) => ({ ...key, ...fresh })))
      .onConflict((conflict) =>
        conflict
          .columns(['environment', 'endpoint', 'start', 'length_ms'])
          .doUpdateSet((row) => ({ changes: row('monitor_windows.changes', '+', 1) })),
      )
      .execute();
  }
}

/** Windows that ended and whose rows changed since they were computed, in the order of time. */
export async function selectDue(db: Db, until: number): Promise<readonly WindowRow[]> {
  return db
    .tables<Tables>()
    .selectFrom('monitor_windows')
    .selectAll()
    .whereRef('changes', '>', 'computed')
    .where((row) => row(row('start', '+', row.ref('length_ms')), '<=', until))
    .orderBy('start')
    .orderBy('environment')
    .orderBy('endpoint')
    .execute();
}

export async function selectWindowRow(db: Db, key: WindowKey): Promise<WindowRow | undefined> {
  return db
    .tables<Tables>()
    .selectFrom('monitor_windows')
    .selectAll()
    .where('environment', '=', key.environment)
    .where('endpoint', '=', key.endpoint)
    .where('start', '=', key.start)
    .where('length_ms', '=', key.length_ms)
    .executeTakeFirst();
}

export interface ComputedWindow {
  readonly key: WindowKey;
  /** How many changes the record knows of. */
  readonly computed: number;
  readonly record: Window;
  readonly findings: Findings;
  /** Of the version that it was judged for; null when there is none. */
  readonly generation: number | null;
}

export async function saveWindow(tx: Tx, { key, computed, record, findings, generation }: ComputedWindow): Promise<void> {
  await tx
    .tables<Tables>()
    .updateTable('monitor_windows')
    .set({ computed, id: record.id, revision: record.revision, judged: record.judged, generation, findings, record })
    .where('environment', '=', key.environment)
    .where('endpoint', '=', key.endpoint)
    .where('start', '=', key.start)
    .where('length_ms', '=', key.length_ms)
    .execute();
}

/** Whom the newest generation among an endpoint's judged windows belongs to; undefined before the first. */
export async function newestSubject(
  tx: Tx,
  environment: string,
  endpoint: string,
): Promise<{ readonly modelVersion: string; readonly generation: number } | undefined> {
  const found = await tx
    .tables<Tables>()
    .selectFrom('monitor_windows')
    .select(['generation', 'record'])
    .where('environment', '=', environment)
    .where('endpoint', '=', endpoint)
    .where('judged', '=', true)
    .where('generation', 'is not', null)
    .orderBy('generation', 'desc')
    .limit(1)
    .executeTakeFirst();
  const modelVersion = found?.record?.modelVersion;
  return modelVersion === undefined ? undefined : { modelVersion, generation: found?.generation ?? 0 };
}

export async function selectWindow(db: Db, id: string): Promise<Window | undefined> {
  const found = await db.tables<Tables>().selectFrom('monitor_windows').select('record').where('id', '=', id).executeTakeFirst();
  return found?.record ?? undefined;
}

export interface WindowFilter {
  readonly environment?: string;
  readonly endpoint?: string;
  readonly from?: number;
  readonly to?: number;
  readonly first: 'oldest' | 'newest';
  readonly limit: number;
  /** The start and id of the last one before. */
  readonly after?: { at: number; id: string };
}

/** Computed windows by start, then id. */
export async function selectWindows(db: Db, filter: WindowFilter): Promise<readonly { record: Window; start: number }[]> {
  const direction = filter.first === 'newest' ? 'desc' : 'asc';
  const beyond = filter.first === 'newest' ? '<' : '>';
  let query = db.tables<Tables>().selectFrom('monitor_windows').select(['record', 'start']).where('id', 'is not', null);
  if (filter.environment !== undefined) query = query.where('environment', '=', filter.environment);
  if (filter.endpoint !== undefined) query = query.where('endpoint', '=', filter.endpoint);
  if (filter.from !== undefined) query = query.where('start', '>=', filter.from);
  if (filter.to !== undefined) query = query.where('start', '<', filter.to);
  const { after } = filter;
  if (after !== undefined) {
    query = query.where((row) =>
      row.or([row('start', beyond, after.at), row.and([row('start', '=', after.at), row('id', beyond, after.id)])]),
    );
  }
  const rows = await query.orderBy('start', direction).orderBy('id', direction).limit(filter.limit).execute();
  return rows.flatMap(({ record, start }) => (record === null ? [] : [{ record, start }]));
}

/** An alert with what its next update has to know. */
export interface AlertState {
  readonly alert: Alert;
  readonly findings: Findings;
  /** The newest that its windows speak of. */
  readonly generation: number;
  /** The start of the newest window that crossed, UTC milliseconds. */
  readonly lastStart: number;
}

const alertColumns = ['record', 'findings', 'generation', 'last_start'] as const;
const toState = ({ record, findings, generation, last_start }: Pick<AlertRow, (typeof alertColumns)[number]>): AlertState => ({
  alert: record,
  findings,
  generation,
  lastStart: last_start,
});

export async function selectOpenAlert(db: Db, environment: string, endpoint: string): Promise<AlertState | undefined> {
  const row = await db
    .tables<Tables>()
    .selectFrom('alerts')
    .select(alertColumns)
    .where('environment', '=', environment)
    .where('endpoint', '=', endpoint)
    .where('state', '!=', 'resolved')
    .executeTakeFirst();
  return row === undefined ? undefined : toState(row);
}

/** Since when the endpoint's alerts are settled: windows before raise none. Undefined before the first alert. */
export async function selectSettledFrom(db: Db, environment: string, endpoint: string): Promise<number | undefined> {
  const row = await db
    .tables<Tables>()
    .selectFrom('alerts')
    .select((alert) => alert.fn.max('settled_from').as('settled'))
    .where('environment', '=', environment)
    .where('endpoint', '=', endpoint)
    .executeTakeFirst();
  return row?.settled ?? undefined;
}

export async function saveAlert(tx: Tx, { alert, findings, generation, lastStart }: AlertState, settledFrom: number | null): Promise<void> {
  const changing = { state: alert.state, generation, last_start: lastStart, settled_from: settledFrom, findings, record: alert };
  await tx
    .tables<Tables>()
    .insertInto('alerts')
    .values({
      id: alert.id,
      environment: alert.environment,
      endpoint: alert.endpoint,
      raised_at: Date.parse(alert.raisedAt),
      ...changing,
    })
    .onConflict((conflict) => conflict.column('id').doUpdateSet(changing))
    .execute();
}

export async function selectAlertState(db: Db, id: string): Promise<AlertState | undefined> {
  const row = await db.tables<Tables>().selectFrom('alerts').select(alertColumns).where('id', '=', id).executeTakeFirst();
  return row === undefined ? undefined : toState(row);
}

/** The newest first. */
export async function selectAlerts(
  db: Db,
  filter: { readonly state?: string; readonly environment?: string; readonly endpoint?: string; readonly limit: number },
): Promise<readonly Alert[]> {
  let query = db.tables<Tables>().selectFrom('alerts').select('record').orderBy('raised_at', 'desc').orderBy('id', 'desc');
  if (filter.state !== undefined) query = query.where('state', '=', filter.state);
  if (filter.environment !== undefined) query = query.where('environment', '=', filter.environment);
  if (filter.endpoint !== undefined) query = query.where('endpoint', '=', filter.endpoint);
  return (await query.limit(filter.limit).execute()).map(({ record }) => record);
}
