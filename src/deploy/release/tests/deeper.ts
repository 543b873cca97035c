import type { ApplicationTestReport, Charter, Check, JudgedVersion } from '#contract';
import { GyreError, seeded, seedOf } from '#core';
import { judgeAnswers } from '#evaluation';
import { isFairnessMetricName } from '#stats';
import { parseGate } from '#project';
import { goldenTolerance, type ReferenceRows, rowsInRequest, scaleOf } from '../application-tests.ts';
import type { PlaneClient } from '../plane-client.ts';
import type { ReleaseSettings } from '../port.ts';
import { errorCases } from './error-cases.ts';
import { perturbPictures, perturbRows } from './perturb-rows.ts';
import type { Unasked } from './requirements.ts';
import { robustness } from './robustness.ts';
import type { Prediction } from './said.ts';

export interface DeeperInput {
  readonly client: PlaneClient;
  readonly version: JudgedVersion;
  readonly reference: ReferenceRows;
  /** What the plane answered to all rows, and the scores that its metrics were computed of. */
  readonly answers: readonly Prediction[];
  readonly scores: Float64Array;
  readonly charter: Charter;
  /** Inputs that tell of a person. */
  readonly personal: readonly string[];
  readonly settings: Pick<ReleaseSettings, 'robustness' | 'slices' | 'groupGates'>;
  readonly sleep: (ms: number) => Promise<void>;
}

export interface DeeperFindings extends Pick<ApplicationTestReport, 'slices' | 'fairness' | 'errors' | 'robustness'> {
  readonly checks: readonly Check[];
  readonly unasked: Unasked;
}

/** So many rows at most are perturbed: enough to count changed answers by the half per cent, few enough for a test of seconds. */
const perturbedRows = 200;
/** Each goes through a network five times. */
const perturbedPictures = 32;

/** What the answers that are there already tell of groups and errors, and what becomes of them when rows are perturbed. */
export async function deeperFindings(input: DeeperInput): Promise<DeeperFindings> {
  const { version, reference, answers, personal, settings } = input;
  const { signature } = version;
  const groups = groupsOf(input);
  const withPictures = signature.inputs.some(({ image }) => image !== undefined);
  const rows = reference.rows.slice(0, withPictures ? perturbedPictures : perturbedRows);
  const robust = await robustness({
    client: input.client,
    signature,
    rows,
    before: answers.slice(0, rows.length),
    truth: reference.truth,
    personal,
    perturbations: withPictures
      ? await perturbPictures(signature.inputs, rows)
      : perturbRows(signature.inputs, rows, seeded(seedOf(version.package, 'robustness'))),
    limits: settings.robustness,
    rowsInRequest: rowsInRequest(signature),
    tolerance: goldenTolerance * scaleOf(signature, reference.expected),
    sleep: input.sleep,
  });
  return {
    checks: [...groups.checks, ...robust.checks],
    unasked: groups.unasked,
    slices: [...groups.slices],
    fairness: [...groups.fairness],
    errors: [...errorCases(signature, reference.rows, answers, reference.truth, personal)],
    robustness: [...robust.findings],
  };
}

/** Slices and fairness, and the project's gates on both, of what came over the network. */
function groupsOf({ version, reference, scores, charter, settings }: DeeperInput): {
  readonly checks: readonly Check[];
  readonly slices: NonNullable<ApplicationTestReport['slices']>;
  readonly fairness: NonNullable<ApplicationTestReport['fairness']>;
  readonly unasked: Unasked;
} {
  const { task, classes, threshold = 0.5 } = version.signature;
  if (task === undefined) throw new GyreError('INTERNAL', `version ${version.id} was judged without a task`);
  const { groupGates = [], slices = [] } = settings;
  const judged = judgeAnswers({
    frame: reference.frame,
    task,
    classes,
    truth: reference.truth,
    scores,
    threshold,
    ...(reference.key === undefined ? {} : { key: reference.key }),
    charter,
    slices,
    gates: groupGates,
  });
  const gates = judged.checks.map((check, at) => ({
    check,
    kind: isFairnessMetricName(parseGate(groupGates[at]).metric) ? ('fairness' as const) : ('slices' as const),
    // Fewer rows are sent than the test report speaks of: groups that are too small among them were judged there.
    isMeasured: check.observed !== null || reference.isWhole,
  }));
  const notAgain = (kind: 'fairness' | 'slices'): Unasked => {
    const left = gates.filter((gate) => gate.kind === kind && !gate.isMeasured);
    const say = ({ check }: (typeof gates)[number]) => `"${check.name}" was judged in the test report alone: over HTTP, ${check.message}`;
    return left.length === 0 ? {} : { [kind]: left.map(say).join('; ') };
  };
  return {
    checks: gates
      .filter(({ isMeasured }) => isMeasured)
      .map(({ check, kind }) => ({ ...check, name: `${kind}: ${check.name}`, message: `over HTTP, ${check.message}` })),
    slices: [...judged.slices],
    fairness: [...judged.fairness],
    unasked: { ...notAgain('slices'), ...notAgain('fairness') },
  };
}
