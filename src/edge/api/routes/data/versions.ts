import { Type } from 'typebox';
import { DatasetProfile, DatasetVersion, Name, page, strict } from '#contract';
import { toRecords } from '#tables';
import { route, type Route } from '../../route.ts';
import { Rows, paging } from '../../shapes.ts';
import { ByDigest } from './shapes.ts';

export const versionRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/datasets',
    permission: 'read',
    tag: 'data',
    summary: 'Dataset versions, newest first',
    query: strict({
      ...paging,
      dataset: Type.Optional(Name),
      part: Type.Optional(Type.String({ description: 'a part’s name; `none`: versions that are no part of a split' })),
    }),
    answer: page(DatasetVersion),
    handle: ({ data }, { query: { part, ...query } }) =>
      data.list({ ...query, ...(part === undefined ? {} : { part: part === 'none' ? null : part }) }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/datasets/:digest',
    permission: 'read',
    tag: 'data',
    summary: 'A dataset version',
    params: ByDigest,
    answer: DatasetVersion,
    handle: ({ data }, { params }) => data.get(params.digest),
  }),
  route({
    method: 'GET',
    path: '/api/v1/datasets/:digest/profile',
    permission: 'read',
    tag: 'data',
    summary: 'The profile of every column',
    params: ByDigest,
    query: strict({ target: Type.Optional(Type.String({ description: 'the column whose association with the others is measured' })) }),
    answer: DatasetProfile,
    handle: async ({ data }, { params, query }) => data.profile((await data.get(params.digest)).digest, query.target),
  }),
  route({
    method: 'GET',
    path: '/api/v1/datasets/:digest/rows',
    permission: 'read',
    tag: 'data',
    summary: 'Rows of a version by name of column',
    params: ByDigest,
    query: strict({ limit: Type.Integer({ minimum: 1, maximum: 1000, default: 50 }), offset: Type.Integer({ minimum: 0, default: 0 }) }),
    answer: Rows,
    handle: async ({ data }, { params, query: { limit, offset } }) => {
      const frame = await data.open((await data.get(params.digest)).digest);
      return {
        columns: frame.schema.map(({ name, type }) => ({ name, type: type ?? frame.column(name).kind })),
        rows: toRecords(frame, { start: offset, end: offset + limit }),
        offset,
        total: frame.rows,
      };
    },
  }),
];
