import { isoInstant } from '#core';
import type { Db, Store, Tx } from '#store';
import type { ParkedEvent } from './port.ts';

export interface EventRow {
  position: number;
  id: string;
  type: string;
  subject: string;
  time: number;
  source: string;
  actor: string;
  reason: string | null;
  project: string | null;
  traceparent: string | null;
  causation_id: string | null;
  data: unknown;
}

export interface ParkedRow {
  subscriber: string;
  position: number;
  event_id: string;
  type: string;
  tries: number;
  error: string;
  parked_at: number;
}

interface EventTables {
  events: EventRow;
  event_cursors: { subscriber: string; position: number };
  event_parked: ParkedRow;
}

/** The database counts the position up. */
export type NewEventRow = Omit<EventRow, 'position'>;

interface NewEventTables {
  events: NewEventRow;
}

export interface EventFilter {
  readonly after: number;
  readonly limit: number;
  readonly types?: readonly string[];
  readonly subject?: string;
}

/**
 * Writes rows at the end of the stream. The lock is held until COMMIT has made them visible, and positions are counted
 * up under it: so nobody sees a position before every lower one. Called last in a transaction, for the lock's sake.
 */
export async function appendEvents(tx: Tx, rows: readonly NewEventRow[]): Promise<void> {
  await tx.lock('events');
  const insert = tx
    .tables<NewEventTables>()
    .insertInto('events')
    .values([...rows]);
  await tx.change(insert.compile());
}

/** Events in order, and the end of the stream in the same snapshot. */
export async function readEvents(
  store: Store,
  filter: EventFilter,
): Promise<{ readonly rows: readonly EventRow[]; readonly last: number }> {
  return store.read(async (db) => {
    let query = db.tables<EventTables>().selectFrom('events').selectAll().where('position', '>', filter.after);
    if (filter.types !== undefined) query = query.where('type', 'in', filter.types.length > 0 ? [...filter.types] : ['']);
    if (filter.subject !== undefined) query = query.where('subject', '=', filter.subject);
    const [rows, last] = await Promise.all([query.orderBy('position').limit(filter.limit).execute(), lastOf(db)]);
    return { rows, last };
  });
}

async function lastOf(db: Db): Promise<number> {
  const newest = await db
    .tables<EventTables>()
    .selectFrom('events')
    .select('position')
    .orderBy('position', 'desc')
    .limit(1)
    .executeTakeFirst();
  return newest?.position ?? 0;
}

export function readLastPosition(store: Store): Promise<number> {
  return store.read(lastOf);
}

/** The subscriber's cursor, made where it is missing. */
export async function ensureCursor(tx: Tx, { subscriber, from }: { subscriber: string; from: 'beginning' | 'now' }): Promise<number> {
  const known = await cursorOf(tx, subscriber);
  if (known !== undefined) return known;
  const position = from === 'now' ? await lastOf(tx) : 0;
  await tx.tables<EventTables>().insertInto('event_cursors').values({ subscriber, position }).execute();
  return position;
}

export async function cursorOf(tx: Tx, subscriber: string): Promise<number | undefined> {
  const row = await tx
    .tables<EventTables>()
    .selectFrom('event_cursors')
    .select('position')
    .where('subscriber', '=', subscriber)
    .executeTakeFirst();
  return row?.position;
}

export async function moveCursor(tx: Tx, subscriber: string, position: number): Promise<void> {
  await tx.tables<EventTables>().updateTable('event_cursors').set({ position }).where('subscriber', '=', subscriber).execute();
}

export async function park(tx: Tx, row: ParkedRow): Promise<void> {
  await tx.tables<EventTables>().insertInto('event_parked').values(row).execute();
}

export async function unpark(tx: Tx, subscriber: string, position: number): Promise<boolean> {
  const { numDeletedRows } = await tx
    .tables<EventTables>()
    .deleteFrom('event_parked')
    .where('subscriber', '=', subscriber)
    .where('position', '=', position)
    .executeTakeFirstOrThrow();
  return numDeletedRows > 0n;
}

export function readParked(store: Store): Promise<readonly ParkedEvent[]> {
  return store.read(async (db) => {
    const rows = await db.tables<EventTables>().selectFrom('event_parked').selectAll().orderBy('position').orderBy('subscriber').execute();
    return rows.map(toParked);
  });
}

export function toParked(row: ParkedRow): ParkedEvent {
  const { subscriber, position, type, tries, error } = row;
  return { subscriber, position, eventId: row.event_id, type, tries, error, parkedAt: isoInstant(row.parked_at) };
}
