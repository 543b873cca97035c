import { Type } from 'typebox';
import { requirePermission } from '#access';
import { Report, ReportChange, ReportInput, ReportSummary, ReportVersion, page, strict } from '#contract';
import { pageOf } from '../paging.ts';
import { route, type Route } from '../../route.ts';
import { ById, paging } from '../../shapes.ts';

/** Largest body of a report: its text may hold half a million characters, each up to six bytes as JSON. */
const bodyLimit = 4 * 1024 * 1024;

/** Pages of text with figures of runs. A figure's numbers are asked for by whoever looks at it, and as far as they may. */
export const reportRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/reports',
    permission: 'read',
    tag: 'training',
    summary: 'Reports on runs, changed last first',
    query: strict(paging),
    answer: page(ReportSummary),
    handle: async ({ training }, { query }) => pageOf(await training.reports.list(), query, ({ id }) => id),
  }),
  route({
    method: 'POST',
    path: '/api/v1/reports',
    permission: 'log',
    tag: 'training',
    summary: 'Writes a new report',
    bodyLimit,
    body: ReportInput,
    answer: Report,
    handle: async ({ training }, { body, by }) => training.reports.create({ ...body, by }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/reports/:id',
    permission: 'read',
    tag: 'training',
    summary: 'A report, at its newest or another version',
    params: ById,
    query: strict({ version: Type.Optional(Type.Integer({ minimum: 1 })) }),
    answer: Report,
    handle: async ({ training }, { params: { id }, query: { version } }) => training.reports.get(id, version),
  }),
  route({
    method: 'PUT',
    path: '/api/v1/reports/:id',
    permission: 'log',
    tag: 'training',
    summary: 'Changes a report: a new version; refused when it was changed since the version that this one is based on',
    bodyLimit,
    params: ById,
    body: ReportChange,
    answer: Report,
    handle: async ({ training }, { params: { id }, body, by }) => training.reports.change({ id, ...body, by }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/reports/:id/versions',
    permission: 'read',
    tag: 'training',
    summary: 'The versions of a report, newest first',
    params: ById,
    query: strict(paging),
    answer: page(ReportVersion),
    handle: async ({ training }, { params: { id }, query }) =>
      pageOf(await training.reports.versions(id), query, ({ version }) => String(version)),
  }),
  route({
    method: 'DELETE',
    path: '/api/v1/reports/:id',
    permission: 'log',
    tag: 'training',
    summary: 'Deletes a report with its history: its first author’s own, or by an admin',
    params: ById,
    answer: strict({ deleted: Type.Literal(true) }),
    handle: async ({ training }, { params: { id }, by, principal }) => {
      const report = await training.reports.get(id);
      if (report.by.identity !== by.identity) requirePermission(principal, 'administer');
      await training.reports.delete({ id, by });
      return { deleted: true as const };
    },
  }),
];
