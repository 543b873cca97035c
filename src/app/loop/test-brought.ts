import type { Actor, DatasetVersion, ModelVersion, Split, Task, TestReport } from '#contract';
import { GyreError } from '#core';
import { championModel } from './judging-steps.ts';
import type { LoopRooms } from './rooms.ts';

/** What is said of a test of a version that was trained elsewhere; the project settles the rest. */
export interface BroughtTest {
  readonly model: string;
  readonly version: number;
  /** A dataset's name, of which the newest version counts, or a version's digest. Default: the one that the project trains on. */
  readonly dataset?: string;
  /** Of the newest split of the dataset. Default `test` where there is a split. */
  readonly part?: string;
  /** Default: what the project predicts. */
  readonly target?: string;
  readonly columns?: Readonly<Record<string, readonly string[]>>;
  readonly task?: Task;
  readonly classes?: readonly string[];
  readonly positive?: string;
  readonly output?: string;
  readonly by: Actor;
}

interface TestRows {
  readonly test: string;
  readonly split?: Split;
}

/**
 * Tests a version that was trained elsewhere as the project tests its own: its thresholds, gates and slices, on its held-out rows.
 * One that passes and is of the project's endpoint becomes the candidate.
 * @throws GyreError as `Registry.testVersion`; NOT_FOUND for a dataset, version or part that there is not; FAILED_PRECONDITION when nothing was
 * ingested yet
 */
export async function testBrought(
  rooms: LoopRooms,
  { model, version, dataset, part, target, positive, task, by, ...asked }: BroughtTest,
): Promise<{ readonly version: ModelVersion; readonly report: TestReport }> {
  const project = rooms.project();
  const { resolved } = project;
  const transforms = resolved.steps.filter((step) => step.kind === 'transform');
  const usual = transforms.find((step) => step.dataset === (dataset ?? step.dataset) && step.spec.target === (target ?? step.spec.target));
  const named = dataset ?? usual?.dataset;
  const predicted = target ?? usual?.spec.target;
  if (named === undefined || predicted === undefined)
    throw new GyreError(
      'INVALID_ARGUMENT',
      `the project trains no model on ${dataset ?? 'any dataset'}${target === undefined ? '' : ` for "${target}"`}: name the dataset and the target that the model is tested by`,
    );
  const rows = await rowsOf(rooms, named, part);
  const { dataset: of } = await rooms.data.get(rows.test);
  const key = resolved.datasets.find(({ name }) => name === of)?.key;
  const { modelVersion, charter } = {
    modelVersion: (await rooms.registry.get(model, version)).id,
    charter: await rooms.charters.record(resolved.project, project.project.charter, by),
  };
  const validation = rows.split?.parts.find((one) => one.part === 'validation' && one.version !== rows.test)?.version;
  const sets = rows.split?.sets ?? [];
  const champion = await championModel(rooms, { modelVersion, dataset: rows.test });
  const settledTask = task ?? usual?.spec.task;
  const settledPositive = positive ?? usual?.spec.positive;
  const tested = await rooms.registry.testVersion({
    model,
    version,
    ...asked,
    test: rows.test,
    target: predicted,
    ...(key === undefined ? {} : { key }),
    ...(settledTask === undefined ? {} : { task: settledTask }),
    ...(settledPositive === undefined ? {} : { positive: settledPositive }),
    ...(validation === undefined ? {} : { validation }),
    ...(sets.length === 0 ? {} : { validationSets: sets }),
    ...(champion === undefined ? {} : { champion }),
    spec: project.project.test ?? {},
    charter,
    outliers: resolved.serve.outliers,
    by,
  });
  if (tested.report.passed && model === resolved.serve.endpoint) await rooms.registry.setAlias({ model, version, alias: 'candidate', by });
  return { ...tested, version: await rooms.registry.get(model, version) };
}

/** The rows that a model is tested on, and the split that they are a part of. */
async function rowsOf({ data }: Pick<LoopRooms, 'data'>, named: string, part: string | undefined): Promise<TestRows> {
  const whole = await wholeVersion(data, named);
  const [split] = await data.splitsOf(whole.digest);
  if (split === undefined) {
    if (part !== undefined)
      throw new GyreError('NOT_FOUND', `version ${whole.digest.slice(0, 12)} of "${whole.dataset}" has no split, and so no part "${part}"`);
    return { test: whole.digest, ...(await splitAround(data, whole)) };
  }
  const wanted = part ?? 'test';
  const found = split.parts.find((one) => one.part === wanted);
  if (found !== undefined) return { test: found.version, split };
  throw new GyreError(
    'NOT_FOUND',
    `the split of "${whole.dataset}" has no part "${wanted}"; it has ${split.parts.map((one) => one.part).join(', ')}`,
    { part: wanted },
  );
}

async function wholeVersion(data: LoopRooms['data'], named: string): Promise<DatasetVersion> {
  const [newest] = (await data.list({ dataset: named, part: null, limit: 1 })).items;
  if (newest !== undefined) return newest;
  if (/^[0-9a-f]{6,64}$/.test(named)) return data.get(named);
  throw new GyreError('FAILED_PRECONDITION', `"${named}" has no version yet: ingest it (gyre data add ${named}), or run the pipeline`, {
    dataset: named,
  });
}

/** The split that a version is a part of. */
async function splitAround(data: LoopRooms['data'], version: DatasetVersion): Promise<Pick<TestRows, 'split'>> {
  const parent = version.part === undefined ? undefined : version.manifest.derivedFrom?.parents.at(0);
  const around = parent === undefined ? [] : await data.splitsOf(parent);
  const split = around.find(({ parts }) => parts.some((one) => one.version === version.digest));
  return split === undefined ? {} : { split };
}
