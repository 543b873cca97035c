import { Type } from 'typebox';
import { LoggedModel, RunModel, page, parseFilter, parseLoggedModelOrderBy, strict } from '#contract';
import type { FilterCondition, LoggedModelOrder, Parsed } from '#contract';
import { GyreError, hasCode, isoInstant } from '#core';
import { modelArtifactsOf, ownRunId } from '#training';
import type { LoggedModel as Logged, ModelPoint, Training } from '#training';
import { route, type Route } from '../route.ts';
import { ById, paging } from '../shapes.ts';

export const loggedModelRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/logged-models',
    permission: 'read',
    tag: 'training',
    summary: 'Models that runs logged, newest first',
    query: strict({
      ...paging,
      experiment: Type.Optional(Type.String({ description: 'name or id; default: all' })),
      filter: Type.Optional(
        Type.String({ maxLength: 10_000, description: "in MLflow’s grammar: `metrics.auc > 0.9 AND params.kind = 'tree'`" }),
      ),
      order: Type.Optional(Type.String({ maxLength: 500, description: '`name`, `metrics.auc desc`' })),
    }),
    answer: page(LoggedModel),
    handle: async ({ training }, { query: { experiment, filter = '', order, limit, after } }) => {
      const { items, next } = await training.loggedModels.search({
        experiments: await experimentsOf(training, experiment),
        conditions: read<readonly FilterCondition[]>('filter', parseFilter('logged_model', filter)),
        order: orderOf(order),
        datasets: [],
        limit,
        ...(after === undefined ? {} : { after }),
      });
      return { items: items.map(loggedModel), ...(next === undefined ? {} : { next }) };
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/logged-models/:id',
    permission: 'read',
    tag: 'training',
    summary: 'A model that a run logged, also a deleted one',
    params: ById,
    answer: LoggedModel,
    handle: async ({ training }, { params }) => loggedModel(await training.loggedModels.get(params.id, { deleted: true })),
  }),
  route({
    method: 'GET',
    path: '/api/v1/runs/:id/models',
    permission: 'read',
    tag: 'training',
    summary: 'The logged models that a run made and used',
    params: ById,
    answer: strict({ items: Type.Array(RunModel) }),
    handle: async ({ training }, { params }) => {
      const { models, experiment } = await training.tracking.getRun(ownRunId(params.id));
      return {
        items: await Promise.all(models.map(async ({ model: id, ...use }) => ({ id, ...use, ...(await found(training, id, experiment)) }))),
      };
    },
  }),
];

/** A model of another experiment stays with its id alone: who reads the run may not be allowed to read that one. */
async function found(training: Training, id: string, experiment: string): Promise<{ readonly model?: LoggedModel }> {
  try {
    const model = await training.loggedModels.get(id, { deleted: true });
    return model.experiment === experiment ? { model: loggedModel(model) } : {};
  } catch (error) {
    if (hasCode(error, 'NOT_FOUND')) return {};
    throw error;
  }
}

async function experimentsOf(training: Training, wanted: string | undefined): Promise<readonly string[]> {
  const all = await training.experiments();
  const chosen = wanted === undefined ? all : all.filter(({ id, name }) => id === wanted || name === wanted);
  if (wanted !== undefined && chosen.length === 0)
    throw new GyreError('NOT_FOUND', `no experiment "${wanted}"; there are ${all.map(({ name }) => name).join(', ') || 'none'}`);
  return chosen.map(({ id }) => id);
}

function orderOf(order: string | undefined): readonly LoggedModelOrder[] {
  if (order === undefined || order === '') return [];
  const [, field = order, direction = 'asc'] = /^(.*?)(?:\s+(asc|desc))?$/is.exec(order.trim()) ?? [];
  return read<readonly LoggedModelOrder[]>(
    'order',
    parseLoggedModelOrderBy([{ field_name: field, ascending: direction.toLowerCase() === 'asc' }]),
  );
}

function read<T>(member: string, parsed: Parsed<T>): T {
  if (parsed.ok) return parsed.value;
  throw new GyreError('INVALID_ARGUMENT', `query.${member}: ${parsed.message}, at character ${parsed.at + 1}`, { at: parsed.at });
}

function loggedModel(model: Logged): LoggedModel {
  return {
    id: model.id,
    experiment: model.experiment,
    name: model.name,
    ...(model.modelType === undefined ? {} : { type: model.modelType }),
    status: model.status,
    ...(model.sourceRun === undefined ? {} : { run: ownRunId(model.sourceRun) }),
    deleted: model.lifecycle === 'deleted',
    parameters: Object.fromEntries(model.parameters.map(({ key, value }) => [key, value])),
    tags: Object.fromEntries(model.tags.map(({ key, value }) => [key, value])),
    metrics: lastOfEach(model.metrics).map(({ value, run, ...point }) => ({
      ...point,
      value: Number.isFinite(value) ? value : null,
      run: ownRunId(run),
    })),
    artifacts: modelArtifactsOf(model),
    createdAt: isoInstant(model.createdAt),
    updatedAt: isoInstant(model.updatedAt),
  };
}

/** They come in the order of name, time and step. */
function lastOfEach(points: readonly ModelPoint[]): readonly ModelPoint[] {
  const last = new Map<string, ModelPoint>();
  for (const point of points) last.set(JSON.stringify([point.key, point.dataset?.name, point.dataset?.digest]), point);
  return [...last.values()];
}
