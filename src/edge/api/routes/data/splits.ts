import { Type } from 'typebox';
import { Name, Split, SplitReport, page, strict } from '#contract';
import type { MaskedColumns } from '#data';
import { GyreError } from '#core';
import type { ApiDeps } from '../../port.ts';
import { route, type Route } from '../../route.ts';
import { ById } from '../../shapes.ts';
import { masksFor } from './masks.ts';
import type { Caller } from './masks.ts';
import { ByDigest, DigestOrPrefix } from './shapes.ts';

export const splitRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/datasets/:digest/splits',
    permission: 'read',
    tag: 'data',
    summary: 'The splits of a version, newest first',
    params: ByDigest,
    answer: page(Split),
    handle: async (rooms, call) => {
      const { digest } = await rooms.data.get(call.params.digest);
      const splits = await rooms.data.splitsOf(digest);
      return { items: await Promise.all(splits.map((split) => asSeenBy(rooms, call, split))) };
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/splits',
    permission: 'build',
    tag: 'data',
    summary: 'Splits a dataset version as gyre.yaml says now; the same definition again is the same split',
    body: strict({ dataset: Name, version: Type.Optional({ ...DigestOrPrefix, description: 'default: the dataset’s newest' }) }),
    answer: Split,
    handle: async (rooms, call) => {
      const { dataset: name, version } = call.body;
      const { datasets } = rooms.project.current().resolved;
      const dataset = datasets.find((each) => each.name === name);
      if (dataset === undefined) {
        const known = datasets.map((each) => `"${each.name}"`).join(', ');
        throw new GyreError('NOT_FOUND', `the project has no dataset "${name}"; it has ${known}`, { dataset: name });
      }
      const digest = version ?? (await rooms.data.list({ dataset: name, part: null, limit: 1 })).items.at(0)?.digest;
      if (digest === undefined)
        throw new GyreError('FAILED_PRECONDITION', `"${name}" has no version yet: gyre run, or gyre data add ${name}`, { dataset: name });
      const { key, split } = dataset;
      return asSeenBy(
        rooms,
        call,
        await rooms.data.split(digest, { ...split, dataset: name, ...(key === undefined ? {} : { key }), by: call.by }),
      );
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/splits/:id',
    permission: 'read',
    tag: 'data',
    summary: 'A split with its parts and validation sets',
    params: ById,
    answer: Split,
    handle: async (rooms, call) => asSeenBy(rooms, call, await rooms.data.getSplit(call.params.id)),
  }),
  route({
    method: 'GET',
    path: '/api/v1/splits/:id/report',
    permission: 'read',
    tag: 'data',
    summary: 'Whether each part and validation set is like the first part: a test of each column’s values',
    params: ById,
    answer: SplitReport,
    handle: ({ data }, { params }) => data.splitReport(params.id),
  }),
];

/** A split without the values of columns that its reader may not see: classes by name, and places. */
async function asSeenBy(rooms: Pick<ApiDeps, 'project' | 'data'>, caller: Caller, split: Split): Promise<Split> {
  const columns = [split.stratification?.column, ...(split.sets ?? []).flatMap(({ strategy }) => strategy.columns)];
  const shown = columns.filter((column) => column !== undefined);
  const masked = await masksFor(rooms, caller, await rooms.data.get(split.version), 'profile', shown);
  return masked.size === 0 ? split : withoutValues(split, masked);
}

function withoutValues(split: Split, masked: MaskedColumns): Split {
  const { stratification } = split;
  const hidesClasses = stratification !== undefined && masked.has(stratification.column);
  const sharesOf = <T extends { targetShare?: Split['parts'][number]['targetShare'] }>({ targetShare, ...rest }: T) => ({
    ...rest,
    ...(hidesClasses || targetShare === undefined ? {} : { targetShare }),
  });
  const parts = split.parts.map(sharesOf);
  const sets = split.sets?.map((set) => {
    const { strategy, columns, cell } = set.strategy;
    if (!columns.some((column) => masked.has(column))) return sharesOf(set);
    const { share, version, rows } = set;
    const how = { strategy, columns, ...(cell === undefined ? {} : { cell }) };
    return sharesOf({ set: set.set, strategy: how, ...(share === undefined ? {} : { share }), version, rows, ...targetOf(set) });
  });
  return { ...split, parts, ...(sets === undefined ? {} : { sets }) };
}

const targetOf = ({ targetShare }: Pick<Split['parts'][number], 'targetShare'>): Pick<Split['parts'][number], 'targetShare'> =>
  targetShare === undefined ? {} : { targetShare };
