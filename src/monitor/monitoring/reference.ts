import type { JudgedVersion, Run, TestReport } from '#contract';
import { isTrained } from '#contract';
import { GyreError } from '#core';
import { requireJudged } from '#registry';
import type { Frame } from '#tables';
import { referenceOfColumn, referenceOfNumbers, referenceOfTexts } from './column-reference.ts';
import type { ColumnReference } from './column-reference.ts';
import type { MonitoringDeps } from './port.ts';

/** What windows of a model version are held against. */
export interface Reference {
  readonly version: JudgedVersion;
  readonly columns: ReadonlyMap<string, ColumnReference>;
  /** The model's scores (binary, regression) or classes (multiclass) on rows that it did not learn from. */
  readonly predictions: ColumnReference | undefined;
  readonly report: TestReport;
}

/** What is known of a model version beside its record; none of it ever changes. */
export interface VersionFacts {
  readonly version: JudgedVersion;
  /** Column of the label and column that names a row, in the training data. */
  readonly target: string;
  readonly key: string | undefined;
  /** A dataset version with the columns of its rows: what it was trained on, or (trained elsewhere) tested on. */
  readonly rows: string;
}

/** References and facts by model version, each made once. */
export interface ReferenceBook {
  reference(modelVersion: string, part: string): Promise<Reference>;
  facts(modelVersion: string): Promise<VersionFacts>;
}

type Deps = Pick<MonitoringDeps, 'data' | 'features' | 'training' | 'registry' | 'evaluation'>;

/** References that are kept; each holds at most 10,000 values a column. */
const mostKept = 8;

export function openReferences(deps: Deps): ReferenceBook {
  const references = new Map<string, Promise<Reference>>();
  const facts = new Map<string, Promise<VersionFacts>>();
  return {
    reference: (version, part) => kept(references, `${version} ${part}`, () => makeReference(deps, version, part)),
    facts: (version) => kept(facts, version, () => makeFacts(deps, version)),
  };
}

/** The oldest goes first; what failed is not kept. */
function kept<T>(cache: Map<string, Promise<T>>, name: string, make: () => Promise<T>): Promise<T> {
  const found = cache.get(name);
  if (found !== undefined) return found;
  const made = make();
  cache.set(name, made);
  made.catch(() => cache.delete(name));
  for (const oldest of cache.keys()) {
    if (cache.size <= mostKept) break;
    cache.delete(oldest);
  }
  return made;
}

async function makeReference(deps: Deps, id: string, part: string): Promise<Reference> {
  const version = requireJudged(await deps.registry.getById(id), 'monitoring');
  const report = await deps.evaluation.getReport(version.testReport);
  const frame = isTrained(version)
    ? await referenceRows(deps, await deps.training.getRun(version.run), part)
    : await testedRows(deps, report, part);
  const columns = new Map<string, ColumnReference>();
  for (const { name, image } of version.signature.inputs) {
    // Of pictures the log has digests alone: nothing that could drift.
    if (image !== undefined) continue;
    const column = referenceOfColumn(frame.column(name), frame.typeOf(name), `${id} ${name}`);
    if (column !== undefined) columns.set(name, column);
  }
  // On rows that it learned from a model is surer of itself than it will ever be again: held-out rows say what to expect.
  const unseen = await deps.data.open(report.dataset);
  return { version, columns, predictions: await predictionReference(deps, version, unseen), report };
}

async function predictionReference(deps: Deps, version: JudgedVersion, rows: Frame): Promise<ColumnReference> {
  await using model = await deps.evaluation.openModel(await deps.registry.modelSource(version));
  const scores = await model.predict(rows);
  if (version.signature.task !== 'multiclass') return referenceOfNumbers(scores, `${version.id} scores`);
  const { classes } = version.signature;
  const said = Array.from({ length: rows.rows }, (_, row) => {
    const shares = scores.subarray(row * classes.length, (row + 1) * classes.length);
    return classes[shares.indexOf(Math.max(...shares))];
  });
  return referenceOfTexts(said);
}

/** `train`: the newest rows that the version learned from; `test` and `validation`: what they were for this run; else a part of the split. */
async function referenceRows({ data }: Deps, run: Run, part: string): Promise<Frame> {
  const input = (role: string): string | undefined => run.inputs.find((one) => one.role === role)?.digest;
  const train = input('train');
  const own = part === 'train' ? (input('train.recent') ?? train) : input(part);
  if (own !== undefined) return data.open(own);
  const parent = train === undefined ? undefined : (await data.get(train)).manifest.derivedFrom?.parents.at(0);
  if (parent !== undefined) return data.open(parent, { part });
  throw new GyreError('FAILED_PRECONDITION', `run ${run.id} has no part "${part}" to measure drift against: see monitor.reference`, {
    run: run.id,
    part,
  });
}

/**
 * What a model has learned from that was trained elsewhere is not known here: it is held against the rows that it was tested on, or a part of
 * what these were cut from.
 */
async function testedRows({ data }: Deps, { dataset }: TestReport, part: string): Promise<Frame> {
  const whole = (await data.get(dataset)).manifest.derivedFrom?.parents.at(0);
  return part === 'train' || part === 'test' || whole === undefined ? data.open(dataset) : data.open(whole, { part });
}

async function makeFacts({ registry, training, features, evaluation }: Deps, id: string): Promise<VersionFacts> {
  const version = requireJudged(await registry.getById(id), 'monitoring');
  if (version.brought !== undefined) {
    const { target, key } = version.brought;
    return { version, target, key, rows: (await evaluation.getReport(version.testReport)).dataset };
  }
  if (!isTrained(version)) throw new GyreError('DATA_LOSS', `model version ${id} names no run`, { id });
  const run = await training.getRun(version.run);
  const input = (role: string): string | undefined => run.inputs.find((one) => one.role === role)?.digest;
  const [train, transform] = [input('train'), input('transform')];
  if (train === undefined || transform === undefined) {
    throw new GyreError('FAILED_PRECONDITION', `run ${run.id} does not name the data and the transform that it trained with`, {
      run: run.id,
    });
  }
  const { spec, key } = await features.specOf(transform);
  return { version, target: spec.target, key, rows: train };
}
