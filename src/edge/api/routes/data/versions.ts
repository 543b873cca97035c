import { Type } from 'typebox';
import { DatasetProfile, DatasetVersion, Name, PersonalColumns, page, strict } from '#contract';
import { route, type Route } from '../../route.ts';
import { paging } from '../../shapes.ts';
import { masksFor, whyPersonal } from './masks.ts';
import { ByDigest, ByVersion } from './shapes.ts';

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
    params: ByVersion,
    answer: DatasetVersion,
    handle: ({ data }, { params }) => data.named(params.digest),
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
    handle: async (rooms, call) => {
      const version = await rooms.data.get(call.params.digest);
      const profile = await rooms.data.profile(version.digest, call.query.target);
      const masked = await masksFor(rooms, call, version, 'profile');
      // quantiles and frequent values are values of persons
      const columns = profile.columns.map(({ numeric, text, instants, ...column }) =>
        masked.has(column.name)
          ? { ...column, masked: true }
          : { ...column, ...(numeric ? { numeric } : {}), ...(text ? { text } : {}), ...(instants ? { instants } : {}) },
      );
      return { ...profile, columns };
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/datasets/:digest/personal',
    permission: 'read',
    tag: 'data',
    summary: 'The columns of a version that are masked for whoever may not see personal data, and why each is',
    params: ByDigest,
    answer: PersonalColumns,
    handle: async (rooms, call) => {
      const version = await rooms.data.get(call.params.digest);
      return { dataset: version.dataset, version: version.digest, columns: await whyPersonal(rooms, version) };
    },
  }),
];
