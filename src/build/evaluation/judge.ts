import type { Comparison, TestReport } from '#contract';
import { count, quoted } from './words.ts';
import { comparePair } from './comparison.ts';
import { decisionThreshold } from './decision-threshold.ts';
import { metricsWithIntervals, pictures } from './figures.ts';
import { judgeGates } from './gates.ts';
import { fittedOn, requireHeldOut, seenRows } from './held-out.ts';
import { permutationImportance } from './importance.ts';
import { overfittingWarning } from './overfitting.ts';
import type { EvaluationDeps, JudgeRequest } from './port.ts';
import { measured, primaryMetric, scoreVersion, withoutSkill } from './scored.ts';
import type { ScoredRows } from './scored.ts';
import { openScoringModel } from './scoring-model.ts';
import type { ModelSource, ScoringModel } from './scoring-model.ts';
import { sliceColumns, sliceMetrics } from './slices.ts';
import { judgeSets } from './validation-sets.ts';

/** What a judgement says: all of a report but its id, its digest and its time. */
export type Judgement = Omit<TestReport, 'id' | 'digest' | 'createdAt'>;

export const defaultResamples = 1000;
const defaultRepeats = 5;
const defaultMinSliceRows = 30;

export interface JudgeDeps extends Pick<EvaluationDeps, 'data' | 'features' | 'training'> {
  /** The decision threshold that a model's newest report chose; 0.5 where there is none. */
  readonly thresholdOf: (model: string) => Promise<number>;
}

const unknownOrigin =
  'the model was trained elsewhere: nobody here can tell whether it has learned from these rows, and overfitting is not judged';

interface PartSource {
  readonly part: string;
  readonly version: string;
}

/** The train and validation versions by the names that the run gave them; only those asked for where no run is known. */
function partsOf(
  model: ScoringModel,
  parts: JudgeRequest['parts'],
): { readonly train: readonly PartSource[]; readonly validation: PartSource | undefined } {
  const roleOf = (version: string): string | undefined => model.run?.inputs.find(({ digest }) => digest === version)?.role;
  const train = parts?.train ?? fittedOn(model).map(({ digest }) => digest);
  const validation = parts?.validation ?? model.run?.inputs.find(({ role }) => role === 'validation')?.digest;
  const named = new Map<string, number>();
  return {
    train: train.map((version) => {
      const role = roleOf(version) ?? 'train';
      const before = named.get(role) ?? 0;
      named.set(role, before + 1);
      return { part: before === 0 ? role : `${role}.${before + 1}`, version };
    }),
    validation: validation === undefined ? undefined : { part: 'validation', version: validation },
  };
}

/**
 * Judges a model on held-out rows. Pure but for reading: the same request gives the same judgement.
 * @throws GyreError as `Evaluation.judge` says
 */
export async function judgeRun(deps: JudgeDeps, request: JudgeRequest): Promise<Judgement> {
  const { spec = {}, charter, resamples = defaultResamples, repeats = defaultRepeats, minSliceRows = defaultMinSliceRows } = request;
  await using model = await openScoringModel(deps, request.model);
  const { run } = model;
  requireHeldOut(model, request.test);
  const seed = request.seed ?? run?.seed ?? 0;
  const primary = primaryMetric(model.task, request.primary, charter.charter.success);
  const sources = partsOf(model, request.parts);

  const test = await scoreVersion(deps, model, request.test);
  const train: (ScoredRows & { readonly part: string })[] = [];
  for (const { part, version } of sources.train) train.push({ part, ...(await scoreVersion(deps, model, version)) });
  const validation = sources.validation && (await scoreVersion(deps, model, sources.validation.version));
  const chosen = decisionThreshold(spec.threshold, validation, test.task);
  const threshold = chosen?.value ?? 0.5;

  const metrics = metricsWithIntervals(test, threshold, { seed, resamples });
  const sliced = sliceMetrics(test, sliceColumns(spec, charter.charter, model.key), threshold, minSliceRows);
  const sets = await judgeSets(deps, model, request.validationSets ?? [], { threshold, seed, resamples });
  const gates = judgeGates(charter.charter.success, spec.gates ?? [], {
    task: test.task,
    metrics,
    sets: sets.results,
    slices: sliced.slices,
    fairness: sliced.fairness,
    minSliceRows,
  });
  const importances = await permutationImportance(model, test, { metric: primary, threshold, seed, repeats });

  const side = [...train, ...(validation === undefined ? [] : [{ part: 'validation', ...validation }]), { part: 'test', ...test }];
  for (const { name, version } of request.alsoOn ?? []) side.push({ part: name, ...(await scoreVersion(deps, model, version)) });
  const parts = side.map((rows) => ({
    part: rows.part,
    rows: rows.truth.length,
    metrics: measured(rows, threshold),
    datasets: [rows.version],
  }));

  // Rows like those of the test are what the newest training part holds, where there are several.
  const learned = train.find(({ part }) => part === 'train.recent') ?? train[0];
  const testValue = metrics.find(({ name }) => name === primary);
  const overfitting =
    learned === undefined || testValue === undefined
      ? undefined
      : overfittingWarning({
          metric: primary,
          train: parts.find(({ part }) => part === learned.part)?.metrics[primary] ?? Number.NaN,
          trainPart: learned.part,
          test: testValue,
          withoutSkill: withoutSkill(primary, learned, threshold),
        });
  const leak = await overlapWarning(deps, model, test);
  const small = sliced.slices.filter(({ rows }) => rows < minSliceRows).map(({ column, value, rows }) => `${column} ${value} (${rows})`);
  const warnings = [
    ...(run === undefined ? [unknownOrigin] : []),
    ...(leak === undefined ? [] : [leak]),
    ...(overfitting === undefined ? [] : [overfitting]),
    ...importances.warnings,
    ...sliced.warnings,
    ...sets.warnings,
    ...(small.length === 0 ? [] : [`slices of fewer than ${minSliceRows} rows are reported, not judged: ${quoted(small)}`]),
  ];

  const comparison =
    request.champion === undefined
      ? undefined
      : await againstChampion(deps, request.champion, { model, scored: test, threshold }, { metric: primary, seed, resamples });
  return {
    ...(run === undefined ? { modelVersion: model.id } : { run: run.id }),
    task: test.task,
    dataset: request.test,
    rows: test.truth.length,
    metrics,
    ...(chosen === undefined ? {} : { threshold: { ...chosen } }),
    ...pictures(test, threshold),
    slices: sliced.slices,
    ...(test.task === 'binary' ? { fairness: [...sliced.fairness] } : {}),
    parts,
    ...(sets.results.length === 0 ? {} : { validationSets: [...sets.results] }),
    primary,
    seed,
    resamples,
    importance: importances.importance,
    warnings,
    gates,
    passed: gates.every(({ passed }) => passed),
    ...(comparison === undefined ? {} : { comparison }),
    charter: charter.digest,
  };
}

async function againstChampion(
  deps: JudgeDeps,
  champion: ModelSource,
  challenger: { readonly model: ScoringModel; readonly scored: ScoredRows; readonly threshold: number },
  options: { readonly metric: NonNullable<JudgeRequest['primary']>; readonly seed: number; readonly resamples: number },
): Promise<Comparison> {
  await using model = await openScoringModel(deps, champion);
  requireHeldOut(model, challenger.scored.version);
  const { frame, truth } = challenger.scored;
  const scored = { ...challenger.scored, truth, scores: await model.predict(frame) };
  return await comparePair(deps, { model, scored, threshold: await deps.thresholdOf(model.id) }, challenger, options);
}

async function overlapWarning(deps: JudgeDeps, model: ScoringModel, test: ScoredRows): Promise<string | undefined> {
  const seen = await seenRows(deps, model, test.frame, fittedOn(model));
  const overlap = seen?.reduce((sum, flag) => sum + flag, 0) ?? 0;
  if (overlap === 0) return undefined;
  return `${count(overlap)} of the ${count(test.truth.length)} test rows have a key that the training rows have as well: the figures may be better than new rows will show`;
}
