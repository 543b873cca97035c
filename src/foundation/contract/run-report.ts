import { Type, type Static } from 'typebox';
import { Actor, Id, Instant, strict } from './common.ts';

/*
 * What people keep of runs to show each other: how they look at a table, by name, and pages of text with figures.
 */

const ViewName = Type.String({ minLength: 1, maxLength: 100, pattern: '\\S' });
const experiment = Type.Optional(
  Type.String({ minLength: 1, maxLength: 200, description: 'the id of the experiment that is looked at; absent: all' }),
);

/** How the table of runs is looked at, under a name. */
export const SavedView = strict({
  id: Id,
  name: ViewName,
  experiment,
  query: Type.String({ description: 'the query of the page’s address: filter, columns, order and so on' }),
  by: Actor,
  createdAt: Instant,
  updatedAt: Instant,
});
export type SavedView = Static<typeof SavedView>;

export const SavedViewInput = strict({ name: ViewName, experiment, query: Type.String({ maxLength: 20_000, default: '' }) });
export type SavedViewInput = Static<typeof SavedViewInput>;

const title = Type.String({ minLength: 1, maxLength: 200, pattern: '\\S' });
const version = Type.Integer({ minimum: 1, description: 'counts up from 1 with each change' });

/** A report without its text. */
export const ReportSummary = strict({ id: Id, title, version, by: Actor, createdAt: Instant, changedBy: Actor, changedAt: Instant });
export type ReportSummary = Static<typeof ReportSummary>;

/** A page of Markdown with figures of runs. */
export const Report = strict({
  ...ReportSummary.properties,
  text: Type.String({ description: 'Markdown; a fenced block `chart` is a figure' }),
});
export type Report = Static<typeof Report>;

export const ReportInput = strict({ title, text: Type.String({ maxLength: 500_000 }) });
export type ReportInput = Static<typeof ReportInput>;

export const ReportChange = strict({ ...ReportInput.properties, basedOn: { ...version, description: 'the version that was changed' } });
export type ReportChange = Static<typeof ReportChange>;

/** One version in a report's history. */
export const ReportVersion = strict({ version, title, by: Actor, at: Instant });
export type ReportVersion = Static<typeof ReportVersion>;
