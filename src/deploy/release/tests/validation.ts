import type { BlobStore } from '#blobs';
import type { Charter, Check, JudgedVersion, TestReport, ValidationFinding } from '#contract';
import { GyreError } from '#core';
import { judgeAnswers } from '#evaluation';
import type { ScoringModel, UnseenRows } from '#evaluation';
import { answersToAll, metricsApart, metricTolerance } from '../application-tests.ts';
import type { PlaneClient } from '../plane-client.ts';
import { rowsToSend } from '../reference-rows.ts';
import { attempted } from './attempt.ts';
import { errorCases } from './error-cases.ts';
import type { Unasked } from './requirements.ts';

/** A dataset that a version is judged on beside that of its test report. */
export interface ValidationSet {
  readonly name: string;
  /** Its dataset version; absent where the dataset has none. */
  readonly dataset?: string;
  readonly gates: readonly string[];
  /** What the test report says of the set. */
  readonly reported?: Readonly<Record<string, number>>;
}

export interface ValidationInput {
  readonly client: PlaneClient;
  readonly version: JudgedVersion;
  readonly model: ScoringModel;
  readonly blobs: Pick<BlobStore, 'read'>;
  /** @throws GyreError FAILED_PRECONDITION when the model learned from this very version */
  readonly unseenRows: (model: ScoringModel, dataset: string) => Promise<UnseenRows>;
  readonly sets: readonly ValidationSet[];
  readonly charter: Charter;
  readonly slices: readonly string[];
  readonly personal: readonly string[];
}

export interface ValidationFindings {
  readonly checks: readonly Check[];
  readonly validation: readonly ValidationFinding[];
  readonly unasked: Unasked;
}

/** Of each set, so that several of them are a matter of seconds. */
const mostRows = 1000;
const shownErrors = 5;

/** The validation sets of a test report, then the datasets that the project names. */
export function validationSets(
  { validationSets: sets = [] }: Pick<TestReport, 'validationSets'>,
  named: readonly ValidationSet[],
): readonly ValidationSet[] {
  const ofReport = sets.map(({ set, dataset, metrics }) => ({
    name: set,
    dataset,
    gates: [],
    reported: Object.fromEntries(metrics.flatMap(({ name, value }) => (value === null ? [] : [[name, value]]))),
  }));
  return [...ofReport, ...named];
}

/** How good a version is on further datasets, over the network. A set that it has learned from, or that cannot be asked, is a failed check. */
export async function validationFindings(input: ValidationInput): Promise<ValidationFindings> {
  const checks: Check[] = [];
  const validation: ValidationFinding[] = [];
  for (const set of input.sets) {
    const name = `validation: ${set.name}`;
    checks.push(
      ...(await attempted({ name, wanted: 'answers to rows that it has not learned from' }, async () => {
        const { finding, checks: found } = await judgedOn(input, set);
        validation.push(finding);
        return found;
      })),
    );
  }
  return {
    checks,
    validation,
    unasked: input.sets.length === 0 ? { validation: 'the split has no validation sets, and the project names no further datasets' } : {},
  };
}

async function judgedOn(
  { client, version, model, blobs, unseenRows, charter, slices, personal }: ValidationInput,
  { name, dataset, gates, reported }: ValidationSet,
): Promise<{ readonly finding: ValidationFinding; readonly checks: readonly Check[] }> {
  if (dataset === undefined) throw new GyreError('FAILED_PRECONDITION', `dataset "${name}" has no version yet: ingest it first`);
  const { frame, leftOut } = await unseenRows(model, dataset);
  if (frame.rows === 0)
    throw new GyreError(
      'FAILED_PRECONDITION',
      leftOut === undefined ? 'it has no rows' : `the model has learned from all of its ${leftOut} rows`,
    );
  const sent = await rowsToSend({ blobs, model, version }, dataset, frame, mostRows);
  const answers = await answersToAll(client, sent.rows, version.signature);
  const { scores, metrics } = sent.score(answers);
  const judged = judgeAnswers({
    frame: sent.frame,
    task: model.task,
    classes: model.classes,
    truth: sent.truth,
    scores,
    threshold: version.signature.threshold ?? 0.5,
    ...(sent.key === undefined ? {} : { key: sent.key }),
    charter,
    slices,
    gates,
    metrics,
  });
  return {
    finding: {
      name,
      dataset,
      rows: sent.rows.length,
      ...(leftOut === undefined ? {} : { leftOut }),
      metrics: { ...metrics },
      slices: [...judged.slices],
      errors: errorCases(version.signature, sent.rows, answers, sent.truth, personal).slice(0, shownErrors),
    },
    checks: [
      ...(reported === undefined || !sent.isWhole ? [] : [asReported(name, metrics, reported)]),
      ...judged.checks.map((check) => ({ ...check, name: `validation: ${name}: ${check.name}`, message: `over HTTP, ${check.message}` })),
    ],
  };
}

function asReported(set: string, metrics: Readonly<Record<string, number>>, reported: Readonly<Record<string, number>>): Check {
  const { shared, apart } = metricsApart(metrics, reported);
  return {
    name: `validation: ${set}`,
    passed: shared.length > 0 && apart.length === 0,
    observed: apart.length,
    wanted: `the test report's figures ± ${metricTolerance}`,
    message:
      apart.length === 0
        ? `${set}: ${shared.map((name) => `${name} ${metrics[name].toFixed(3)}`).join(', ')} over HTTP, as in the test report`
        : apart.map((name) => `${name} is ${metrics[name]} over HTTP and ${reported[name]} in the test report`).join('; '),
  };
}
