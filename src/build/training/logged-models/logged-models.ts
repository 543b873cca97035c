import { eventType } from '#contract';
import { GyreError } from '#core';
import type { Db, Tx } from '#store';
import { experimentRow } from '../experiments-store.ts';
import type { MetricNames } from '../metric-names-store.ts';
import type { TrainingDeps } from '../port.ts';
import { placeOf } from '../runs-store.ts';
import type { LoggedModelRow } from '../tables.ts';
import { deletedRun, unknownExperiment, unknownRun } from '../tracking/words.ts';
import { changeModel, insertModel, keyedOf, loggedModelsAt, modelRow, putKeyed, removeModelTag } from './models-store.ts';
import type { RunModel } from '../tracking/port.ts';
import type { CreateLoggedModel, LoggedModel, LoggedModels } from './port.ts';
import { insertRunModels } from './run-models-store.ts';
import { searchModels } from './search-models-store.ts';
import { unknownModel } from './words.ts';

type Row = LoggedModelRow & { readonly position: number };

/** Models as runs log them, over a migrated store. */
export function openLoggedModels(deps: Pick<TrainingDeps, 'store' | 'events' | 'clock' | 'newId'>, names: MetricNames): LoggedModels {
  const { store, events, clock, newId } = deps;
  return {
    create: (request) =>
      store.write(
        async (tx, args: CreateArgs) => {
          const model = await create(tx, args);
          const { id, name, experiment } = model;
          events.publish(tx, {
            type: eventType('logged_model.created'),
            subject: id,
            actor: args.request.by.identity,
            data: { id, name, experiment },
          });
          return model;
        },
        { request, id: request.id ?? `m-${newId().replaceAll('-', '')}`, at: clock.now() },
      ),
    get: (id, { deleted = false } = {}) =>
      store.read(async (db) => {
        const row = await requireModel(db, id);
        if (row.deleted_at !== null && !deleted) throw unknownModel(id);
        return modelAt(db, row);
      }),
    experimentOf: (id) =>
      store.read(async (db) => {
        const row = await modelRow(db, id);
        return row === undefined ? undefined : (await modelAt(db, { ...row, position: row.position ?? 0 })).experiment;
      }),
    setStatus: ({ id, status, by }) =>
      store.write(async (tx) => {
        const row = await requireModel(tx, id);
        await changeModel(tx, row.position, { status, updated_at: clock.now() });
        if (row.status !== status)
          events.publish(tx, {
            type: eventType('logged_model.status_set'),
            subject: id,
            actor: by.identity,
            data: { id, name: row.name, status, previous: row.status },
          });
        return modelAt(tx, row);
      }, undefined),
    delete: ({ id, by }) =>
      store.write(async (tx) => {
        const row = await requireModel(tx, id);
        if (row.deleted_at !== null) return;
        const at = clock.now();
        await changeModel(tx, row.position, { deleted_at: at, updated_at: at });
        events.publish(tx, { type: eventType('logged_model.deleted'), subject: id, actor: by.identity, data: { id, name: row.name } });
      }, undefined),
    logParameters: (id, parameters) =>
      store.write(async (tx) => {
        const { position } = await requireModel(tx, id);
        const known = new Map(
          (await keyedOf(tx, 'logged_model_parameters', [position])).get(position)?.map(({ key, value }) => [key, value]),
        );
        for (const { key, value } of parameters) {
          const before = known.get(key);
          if (before !== undefined && before !== value)
            throw new GyreError(
              'FAILED_PRECONDITION',
              `Changing param values is not allowed. Param with key='${key}' was already logged with value='${before}' for logged model '${id}'. Attempted logging new value '${value}'.`,
              { model: id, key },
            );
          known.set(key, value);
        }
        await putKeyed(tx, 'logged_model_parameters', position, parameters);
      }, undefined),
    setTags: (id, tags) =>
      store.write(async (tx) => putKeyed(tx, 'logged_model_tags', (await requireModel(tx, id)).position, tags), undefined),
    deleteTag: (id, key) =>
      store.write(async (tx) => {
        if (await removeModelTag(tx, (await requireModel(tx, id)).position, key)) return;
        throw new GyreError('NOT_FOUND', `No tag with key '${key}' found for model with ID '${id}'.`, { model: id, key });
      }, undefined),
    search: (query) =>
      store.read(async (db) => {
        const found = await Promise.all([...new Set(query.experiments)].map((id) => experimentRow(db, id)));
        const experiments = found.flatMap((row) => row?.id ?? []);
        const { positions, next } = await searchModels(db, names, { ...query, experiments });
        return { items: await loggedModelsAt(db, positions), ...(next === undefined ? {} : { next }) };
      }),
    link: (run, models) =>
      store.write(
        async (tx, args: { readonly models: readonly RunModel[] }) => {
          const place = await placeOf(tx, run);
          if (place === undefined) throw unknownRun(run);
          if (place.deletedAt !== null) throw deletedRun(run);
          await insertRunModels(tx, place.position, args.models);
        },
        { models },
      ),
  };
}

interface CreateArgs {
  readonly request: CreateLoggedModel;
  readonly id: string;
  readonly at: number;
}

async function create(tx: Tx, { request, id, at }: CreateArgs): Promise<LoggedModel> {
  const { experiment, name, modelType = null, sourceRun = null, parameters = [], tags = [], by } = request;
  const row = await experimentRow(tx, experiment);
  if (row === undefined) throw unknownExperiment(experiment);
  if (row.deleted_at !== null)
    throw new GyreError('FAILED_PRECONDITION', `The experiment ${experiment} must be in the 'active' state. Current state is deleted.`, {
      experiment,
    });
  if (request.id !== undefined && (await modelRow(tx, id)) !== undefined)
    throw new GyreError('ALREADY_EXISTS', `a logged model with the id ${id} is there already`, { model: id });
  const model: LoggedModelRow = {
    id,
    experiment: row.id,
    name: name || `model-${id.slice(-8)}`,
    model_type: modelType,
    status: 'PENDING',
    source_run: sourceRun,
    created_at: at,
    updated_at: at,
    deleted_at: null,
    created_by: by,
  };
  const position = await insertModel(tx, model);
  await putKeyed(tx, 'logged_model_parameters', position, parameters);
  await putKeyed(tx, 'logged_model_tags', position, tags);
  return modelAt(tx, { ...model, position });
}

async function requireModel(db: Db, id: string): Promise<Row> {
  const row = await modelRow(db, id);
  if (row === undefined) throw unknownModel(id);
  return { ...row, position: row.position ?? 0 };
}

async function modelAt(db: Db, { id, position }: Row): Promise<LoggedModel> {
  const [model] = await loggedModelsAt(db, [position]);
  if (model === undefined) throw unknownModel(id);
  return model;
}
