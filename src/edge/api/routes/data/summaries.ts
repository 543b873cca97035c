import { Type } from 'typebox';
import { DatasetSummary, Name, page, strict } from '#contract';
import { route, type Route } from '../../route.ts';

export const summaryRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/dataset-summaries',
    permission: 'read',
    tag: 'data',
    summary: 'Every dataset with its newest version and that one’s five marks',
    query: strict({ dataset: Type.Optional(Name) }),
    answer: page(DatasetSummary),
    handle: async ({ data }, { query: { dataset } }) => ({ items: await data.summaries(dataset) }),
  }),
];
