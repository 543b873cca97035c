import { hasCode, messageOf } from '#core';
import { bringFiles } from './bring-files.ts';
import { isFinal, stateOf } from './bringing.ts';
import type { Bringing } from './bringing.ts';
import { importedState, putImported } from './imports-store.ts';
import type { SourceLoggedModel, SourceModelPoint } from './source.ts';

/** A point that a run measured of a logged model. */
export type MeasuredPoint = Omit<SourceModelPoint, 'run'> & { readonly model: string };

/**
 * Brings the logged models of an experiment in, before the runs that point to them.
 * @param into our id of the experiment
 * @returns what was measured of them, by the source's ids of the runs that did
 */
export async function bringModels(
  bringing: Bringing,
  experiment: string,
  into: string,
): Promise<ReadonlyMap<string, readonly MeasuredPoint[]>> {
  const { source, tally, signal } = bringing;
  const measured = new Map<string, MeasuredPoint[]>();
  for await (const model of source.loggedModels(experiment)) {
    signal.throwIfAborted();
    tally.read('models');
    for (const { run, ...point } of model.metrics) {
      const points = measured.get(run) ?? [];
      points.push({ ...point, model: model.id });
      measured.set(run, points);
    }
    try {
      await bringModel(bringing, { experiment, into, model });
    } catch (error) {
      if (isFinal(error, signal)) throw error;
      tally.refused('models', { what: `logged model ${model.id} (${model.name})`, why: messageOf(error) });
    }
  }
  return measured;
}

interface OneModel {
  readonly experiment: string;
  readonly into: string;
  readonly model: SourceLoggedModel;
}

async function bringModel(bringing: Bringing, { experiment, into, model }: OneModel): Promise<void> {
  const { store, loggedModels, source, tally, by } = bringing;
  const state = stateOf(model);
  const known = await store.read((db) => importedState(db, source.place, 'model', model.id));
  if (known === state) {
    tally.present('models');
    return;
  }
  const isNew = await createModel(bringing, into, model);
  if (model.status !== 'PENDING') await loggedModels.setStatus({ id: model.id, status: model.status, by });
  const place = { experiment, model: model.id, ...(model.artifacts === undefined ? {} : { artifacts: model.artifacts }) };
  const filesLeft = await bringFiles(bringing, place, `${into}/models/${model.id}/artifacts`);
  if (model.deleted) await loggedModels.delete({ id: model.id, by });
  if (isNew) tally.imported('models');
  else tally.present('models');
  if (model.status !== 'PENDING' && !filesLeft)
    await store.write(putImported, { source: source.place, what: 'model', record: model.id, state });
}

/** @returns whether it was made now */
async function createModel({ loggedModels, by }: Bringing, into: string, model: SourceLoggedModel): Promise<boolean> {
  const { id, name, type, run, tags, parameters } = model;
  try {
    await loggedModels.create({
      experiment: into,
      id,
      name,
      ...(type === undefined ? {} : { modelType: type }),
      ...(run === undefined ? {} : { sourceRun: run }),
      parameters,
      tags,
      by,
    });
    return true;
  } catch (error) {
    if (!hasCode(error, 'ALREADY_EXISTS')) throw error;
    await loggedModels.logParameters(id, parameters);
    await loggedModels.setTags(id, tags);
    return false;
  }
}
