import { eventType } from '#contract';
import type { Actor, Report, ReportSummary } from '#contract';
import { GyreError, isoInstant } from '#core';
import type { Db, Tx } from '#store';
import type { TrainingDeps } from '../port.ts';
import type { Reports } from './port.ts';
import {
  changeReport,
  deleteReport,
  insertReport,
  insertReportVersion,
  selectReport,
  selectReports,
  selectReportVersion,
  selectReportVersions,
} from './reports-store.ts';
import type { ReportRow } from './reports-store.ts';

/** Pages of text with figures of runs, over a migrated store. */
export function openReports({ store, events, clock, newId }: Pick<TrainingDeps, 'store' | 'events' | 'clock' | 'newId'>): Reports {
  const written = async (tx: Tx, row: ReportRow, text: string): Promise<Report> => {
    const { id, title, version, changed_by: by, changed_at: at } = row;
    await insertReportVersion(tx, { report: id, version, title, text, made_by: by, made_at: at });
    events.publish(tx, { type: eventType('report.written'), subject: id, actor: by.identity, data: { id, title, version } });
    return { ...summaryOf(row), text };
  };
  return {
    create: ({ title, text, by }) =>
      store.write(
        async (tx, { id, at }) => {
          const row: ReportRow = { id, title, version: 1, created_by: by, created_at: at, changed_by: by, changed_at: at };
          await insertReport(tx, row);
          return written(tx, row, text);
        },
        { id: newId(), at: clock.now() },
      ),
    change: ({ id, title, text, basedOn, by }) =>
      store.write(
        async (tx, { at }) => {
          await tx.lock(`report ${id}`);
          const before = await knownReport(tx, id);
          if (before.version !== basedOn) throw changedMeanwhile(before, basedOn);
          const row: ReportRow = { ...before, title, version: before.version + 1, changed_by: by, changed_at: at };
          await changeReport(tx, row);
          return written(tx, row, text);
        },
        { at: clock.now() },
      ),
    get: (id, version) =>
      store.read(async (db) => {
        const row = await knownReport(db, id);
        const found = await selectReportVersion(db, id, version ?? row.version);
        if (found === undefined)
          throw new GyreError('NOT_FOUND', `report "${row.title}" has no version ${version}: the newest is ${row.version}`, { report: id });
        const { title, text, made_by, made_at } = found;
        return { ...summaryOf({ ...row, title, version: found.version, changed_by: made_by, changed_at: made_at }), text };
      }),
    list: () => store.read(async (db) => (await selectReports(db)).map(summaryOf)),
    versions: (id) =>
      store.read(async (db) => {
        await knownReport(db, id);
        const rows = await selectReportVersions(db, id);
        return rows.map(({ version, title, made_by: by, made_at: at }) => ({ version, title, by, at: isoInstant(at) }));
      }),
    delete: ({ id, by }: { readonly id: string; readonly by: Actor }) =>
      store.write(async (tx) => {
        const { title } = await knownReport(tx, id);
        await deleteReport(tx, id);
        events.publish(tx, { type: eventType('report.deleted'), subject: id, actor: by.identity, data: { id, title } });
      }, undefined),
  };
}

async function knownReport(db: Db, id: string): Promise<ReportRow> {
  const row = await selectReport(db, id);
  if (row === undefined) throw new GyreError('NOT_FOUND', `there is no report with the id "${id}"`, { report: id });
  return row;
}

function changedMeanwhile({ id, title, version, changed_by: { name } }: ReportRow, basedOn: number): GyreError {
  return new GyreError(
    'ABORTED',
    `report "${title}" is at version ${version}, last changed by ${name}, and this change is based on version ${basedOn}: take the newest one up first`,
    { report: id, version },
  );
}

function summaryOf({
  created_by: by,
  created_at: createdAt,
  changed_by: changedBy,
  changed_at: changedAt,
  ...row
}: ReportRow): ReportSummary {
  return { ...row, by, createdAt: isoInstant(createdAt), changedBy, changedAt: isoInstant(changedAt) };
}
