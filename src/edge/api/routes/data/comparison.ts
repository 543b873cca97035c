import { Type } from 'typebox';
import { DatasetComparison, strict } from '#contract';
import { route, type Route } from '../../route.ts';
import { masksFor } from './masks.ts';
import { DigestOrPrefix } from './shapes.ts';

export const comparisonRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/datasets/:digest/comparison/:other',
    permission: 'read',
    tag: 'data',
    summary: 'How another dataset version differs from this one: rows, cells, columns, laws of values',
    params: strict({ digest: DigestOrPrefix, other: DigestOrPrefix }),
    query: strict({
      key: Type.Optional(
        Type.String({
          minLength: 1,
          maxLength: 2000,
          description: 'the columns that name a row, separated by commas; default: the key that gyre.yaml or a split names',
        }),
      ),
      examples: Type.Integer({ minimum: 1, maximum: 100, default: 10, description: 'rows shown of each kind of change' }),
    }),
    answer: DatasetComparison,
    handle: async (rooms, call) => {
      const { data, project } = rooms;
      const { key, examples } = call.query;
      const { params } = call;
      const [from, to] = [await data.get(params.digest), await data.get(params.other)];
      const usualKey = project.current().resolved.datasets.find(({ name }) => name === to.dataset)?.key;
      const masked = new Set([...(await masksFor(rooms, call, from, 'comparison')), ...(await masksFor(rooms, call, to, 'comparison'))]);
      return data.compare(from.digest, to.digest, {
        examples,
        masked,
        ...(key === undefined ? {} : { key: key.split(',').map((column) => column.trim()) }),
        ...(usualKey === undefined ? {} : { usualKey }),
      });
    },
  }),
];
