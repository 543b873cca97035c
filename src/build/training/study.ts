import { eventType } from '#contract';
import type { Run, Study, Transform } from '#contract';
import { GyreError, hasCode, isoInstant, messageOf } from '#core';
import { trainingRows } from '#features';
import type { WeightedVersion } from '#features';
import { learnerCatalog } from '#learners';
import { metricInfo, metricsOf } from '#stats';
import type { MetricName, TaskKind } from '#stats';
import type { Tx } from '#store';
import { trainingData } from './fit-model.ts';
import type { TrainingParts } from './fit-model.ts';
import type { TrainStudy, TrainingDeps } from './port.ts';
import type { RunLog } from './run-log.ts';
import { planTrials } from './search-space.ts';
import type { PlannedTrial } from './search-space.ts';
import { insertStudy, updateStudy } from './studies-store.ts';
import { trainRun } from './train-run.ts';

/** What a study is judged by unless it says otherwise. */
const usualMetric: Readonly<Record<TaskKind, MetricName>> = { binary: 'roc_auc', multiclass: 'log_loss', regression: 'rmse' };

interface Trial {
  readonly run: Run;
  readonly value: number;
}

/** Trains the trials of a study one after the other. See `Training.trainStudy`. */
export async function trainStudy(
  deps: TrainingDeps,
  runs: RunLog,
  request: TrainStudy,
): Promise<{ readonly study: Study; readonly best: Run }> {
  const { store, events, clock, newId, features } = deps;
  const { trainer, seed, by, signal } = request;
  const transform = await features.get(request.transform);
  const metric = requireMetric(request, transform);
  const train = await requireTrain(deps, request, transform);
  const plan = planTrials(trainer, request.params ?? {}, request.search, seed);
  const parts = await loadParts(deps, transform, train, request.validation);
  const { graph, features: value } = await features.graphOf(transform);
  const inputs = await inputsOf(deps, transform, train, request.validation);
  const { higherIsBetter } = metricInfo[metric];

  const created: Study = {
    id: newId(),
    name: request.name,
    trainer,
    algorithm: request.search?.algorithm ?? 'single',
    metric,
    higherIsBetter,
    seed,
    trials: plan.length,
    createdAt: isoInstant(clock.now()),
  };
  await store.write(async (tx: Tx, study: Study) => {
    await insertStudy(tx, study);
    events.publish(tx, {
      type: eventType('study.created'),
      subject: study.id,
      actor: by.identity,
      data: { id: study.id, trainer, trials: plan.length },
    });
  }, created);

  const runTrial = async (planned: PlannedTrial): Promise<Trial | { readonly error: unknown }> => {
    let judged = Number.NaN;
    try {
      const run = await trainRun(deps, runs, {
        start: {
          experiment: request.experiment ?? request.name,
          name: `${request.name}-${planned.trial}`,
          trainer,
          study: created.id,
          trial: planned.trial,
          parameters: planned.params,
          tags: request.tags ?? {},
          seed: planned.seed,
          inputs,
          code: request.code,
          environment: request.environment,
          by,
        },
        trainer,
        params: planned.params,
        seed: planned.seed,
        parts,
        graph,
        features: value,
        classes: transform.classes,
        check: (metrics) => {
          judged = judgedBy(metric, metrics);
        },
        ...(request.onLine === undefined ? {} : { onLine: request.onLine }),
        ...(request.workers === undefined ? {} : { workers: request.workers }),
        ...(signal === undefined ? {} : { signal }),
      });
      return { run, value: judged };
    } catch (error) {
      if (!hasCode(error, 'CANCELLED')) return { error };
      const message = `study "${request.name}" was cancelled in trial ${planned.trial}`;
      throw new GyreError('CANCELLED', message, { study: created.id }, { cause: error });
    }
  };

  let best: Trial | undefined;
  let lastError: unknown;
  for (const planned of plan) {
    const trial = await runTrial(planned);
    if ('error' in trial) {
      lastError = trial.error;
      continue;
    }
    if (best === undefined || (higherIsBetter ? trial.value > best.value : trial.value < best.value)) best = trial;
    request.onTrial?.({ run: trial.run, trial: planned.trial, trials: plan.length, value: trial.value });
  }
  if (best === undefined) {
    throw new GyreError(
      'FAILED_PRECONDITION',
      `none of the ${plan.length} trials of study "${request.name}" came to an end; the last failed: ${messageOf(lastError)}`,
      { study: created.id },
      { cause: lastError },
    );
  }
  const study: Study = { ...created, bestRun: best.run.id };
  await store.write(
    async (tx: Tx, { value: bestValue }: { readonly value: number }) => {
      await updateStudy(tx, study);
      events.publish(tx, {
        type: eventType('study.finished'),
        subject: study.id,
        actor: by.identity,
        data: { id: study.id, bestRun: study.bestRun ?? '', metric, value: bestValue },
      });
    },
    { value: best.value },
  );
  return { study, best: best.run };
}

/** @throws GyreError FAILED_PRECONDITION when the metric is not defined on the validation part */
function judgedBy(metric: MetricName, metrics: Readonly<Record<string, number>>): number {
  const judged = metrics[`validation_${metric}`];
  if (judged !== undefined) return judged;
  throw new GyreError('FAILED_PRECONDITION', `${metric} is not defined on the validation part: it needs rows of every class`, { metric });
}

function requireMetric({ trainer, metric }: TrainStudy, { task }: Transform): MetricName {
  const { tasks } = learnerCatalog[trainer];
  if (!tasks.includes(task)) {
    throw new GyreError('INVALID_ARGUMENT', `"${trainer}" is for ${tasks.join(' and ')}, the target of this transform is a ${task} task`, {
      trainer,
      task,
    });
  }
  const chosen = metric ?? usualMetric[task];
  if (metricInfo[chosen].tasks.includes(task)) return chosen;
  throw new GyreError('INVALID_ARGUMENT', `"${chosen}" is no metric of a ${task} task: it has ${metricsOf(task).join(', ')}`, {
    metric: chosen,
    task,
  });
}

/** The training rows of a study are those of its transform: out-of-fold encodings exist for these alone. */
async function requireTrain({ features }: TrainingDeps, request: TrainStudy, transform: Transform): Promise<readonly WeightedVersion[]> {
  const fitted = await features.trainedOn(transform);
  const { train = fitted } = request;
  const same =
    train.length === fitted.length &&
    train.every(({ version, weight }, at) => version === fitted[at].version && weight === fitted[at].weight);
  if (same) return fitted;
  throw new GyreError(
    'FAILED_PRECONDITION',
    `transform "${transform.name}" was fitted on ${named(fitted)}, and the study would train on ${named(train)}: fit a transform on these first`,
    { transform: transform.digest },
  );
}

const named = (versions: readonly WeightedVersion[]): string =>
  versions.map(({ version, weight }) => `${version.slice(0, 12)} (weight ${weight})`).join(', ');

/** Matrices, targets and weights of the training and the validation rows, from the transform's graph. */
export async function loadParts(
  { data, features }: Pick<TrainingDeps, 'data' | 'features'>,
  transform: Transform,
  train: readonly WeightedVersion[],
  validation: string,
): Promise<TrainingParts> {
  const { frame, weights } = await trainingRows(data, { train });
  const validationFrame = await data.open(validation);
  return {
    train: trainingData(
      transform,
      await features.apply(transform, frame, { forTraining: true }),
      await features.target(transform, frame),
      weights,
    ),
    validation: trainingData(
      transform,
      await features.apply(transform, validationFrame),
      await features.target(transform, validationFrame),
    ),
  };
}

async function inputsOf(
  { data }: TrainingDeps,
  transform: Transform,
  train: readonly WeightedVersion[],
  validation: string,
): Promise<Run['inputs']> {
  const nameOf = async (version: string): Promise<string> => {
    const { dataset, part } = await data.get(version);
    return part === undefined ? dataset : `${dataset}/${part}`;
  };
  return [
    ...(await Promise.all(
      train.map(async ({ version }, at) => ({ role: at === 0 ? 'train' : 'train.recent', digest: version, name: await nameOf(version) })),
    )),
    { role: 'validation', digest: validation, name: await nameOf(validation) },
    { role: 'transform', digest: transform.digest, name: transform.name },
  ];
}
