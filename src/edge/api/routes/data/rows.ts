import { Type } from 'typebox';
import { strict } from '#contract';
import { route, type Route } from '../../route.ts';
import { Rows } from '../../shapes.ts';
import { masksFor } from './masks.ts';
import { ByDigest } from './shapes.ts';

export const rowsRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/datasets/:digest/rows',
    permission: 'read',
    tag: 'data',
    summary: 'Rows of a version by name of column, as many as are asked for',
    params: ByDigest,
    query: strict({
      limit: Type.Integer({ minimum: 1, maximum: 1000, default: 50 }),
      offset: Type.Integer({ minimum: 0, default: 0 }),
      columns: Type.Optional(Type.String({ minLength: 1, maxLength: 10_000, description: 'only these, separated by commas' })),
      where: Type.Optional(
        Type.String({
          minLength: 1,
          maxLength: 2000,
          description: 'only rows for which a comparison holds, such as "tenure > 0"; several are joined by " and "',
        }),
      ),
      sort: Type.Optional(Type.String({ minLength: 1, maxLength: 500, description: 'a column; with a minus before it, falling' })),
    }),
    answer: Rows,
    handle: async (rooms, call) => {
      const version = await rooms.data.get(call.params.digest);
      const { limit, offset, columns, where, sort } = call.query;
      const names = columns?.split(',').map((name) => name.trim());
      return rooms.data.rows(version.digest, {
        limit,
        offset,
        masked: await masksFor(rooms, call, version, 'rows', names),
        ...(names === undefined ? {} : { columns: names }),
        ...(where === undefined ? {} : { where }),
        ...(sort === undefined ? {} : { sort }),
      });
    },
  }),
];
