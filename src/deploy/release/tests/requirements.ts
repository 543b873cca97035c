import type { ApplicationTestReport, Check, Requirement, RequirementId, TestProfile } from '#contract';
import { requirementIds } from '#contract';
import { mayChange } from './perturb-rows.ts';

const titles: Readonly<Record<RequirementId, string>> = {
  golden: 'It says what the model says',
  consistency: 'The same request gets the same answer',
  bad_input: 'Wrong requests are refused, not guessed at',
  accuracy: 'It is as good as its test report and charter say',
  validation: 'It is good on other data as well',
  slices: 'It is good enough in every group of rows',
  robustness: 'It stands what production does to rows',
  fairness: 'It treats groups of people alike',
  explanations: 'Its explanations hold still',
  load: 'It keeps up with the expected load',
  saturation: 'How much more it bears',
  soak: 'It keeps up for longer, in the same memory',
  footprint: 'It starts fast and is small',
  production: 'It answers what production was asked',
  comparison: 'It differs from production where it should',
};

/** The requirement that a check belongs to, by its name. */
export function requirementOf({ name }: Pick<Check, 'name'>): RequirementId {
  const [head] = name.split(/[: ]/, 1);
  if (head === 'ready' || head === 'metadata' || head === 'golden_requests') return 'golden';
  if (head === 'charter') return 'accuracy';
  return requirementIds.find((id) => id === head) ?? 'golden';
}

/** What a report says of what was measured. */
type Measured = Pick<
  ApplicationTestReport,
  'checks' | 'profile' | 'slices' | 'fairness' | 'robustness' | 'saturation' | 'comparison' | 'footprint' | 'validation' | 'production'
>;

/** Why a requirement was not asked for, or what of it could not be asked. */
export type Unasked = Readonly<Partial<Record<RequirementId, string>>>;

/** A verdict for each requirement: of its checks, or that nothing is asked, and why. Failed ones first, then those that passed. */
export function requirementsOf(report: Measured, reasons: Unasked = {}): readonly Requirement[] {
  const rank = { failed: 0, passed: 1, not_asked: 2 } as const;
  return requirementIds
    .map((id): Requirement => {
      const checks = report.checks.filter((check) => requirementOf(check) === id);
      const failed = checks.filter(({ passed }) => !passed);
      const measured = figuresOf(report, id);
      const reason = reasons[id];
      const found =
        failed.length > 0 ? failed.map(({ message }) => message).join('; ') : (measured ?? checks.map(({ message }) => message).join('; '));
      const says = checks.length === 0 ? (reason ?? measured ?? unasked(report, id)) : [found, reason ?? []].flat().join('; ');
      return {
        id,
        title: titles[id],
        verdict: checks.length === 0 ? 'not_asked' : failed.length > 0 ? 'failed' : 'passed',
        says,
        checks: checks.map(({ name }) => name),
      };
    })
    .toSorted((left, right) => rank[left.verdict] - rank[right.verdict]);
}

/** What was measured of a requirement, in one sentence; undefined where its checks say all, or nothing was measured. */
function figuresOf(
  { checks, slices, fairness, robustness, saturation, comparison, footprint, validation, production }: Measured,
  id: RequirementId,
): string | undefined {
  if (id === 'bad_input')
    return `${checks.filter((check) => requirementOf(check) === id).length} kinds of wrong requests were answered with 4xx`;
  if (id === 'slices' && slices !== undefined && slices.length > 0 && checks.every((check) => requirementOf(check) !== 'slices')) {
    return `measured for ${slices.length} groups; no gate of the project speaks of them`;
  }
  if (id === 'fairness' && fairness !== undefined && fairness.length > 0 && checks.every((check) => requirementOf(check) !== 'fairness')) {
    return `measured by ${fairness.map(({ column }) => column).join(', ')}; no gate of the project speaks of it`;
  }
  if (id === 'validation' && validation !== undefined && validation.length > 0) {
    return validation.map(({ name, rows, metrics }) => `${name}: ${mainFigure(metrics)} on ${rows} rows`).join('; ');
  }
  if (id === 'production' && production !== undefined) {
    const { rows, logged, comparison: there, labelled } = production;
    const other = there === undefined ? '' : `, ${Number((there.changed * 100).toFixed(1))} % otherwise than by the version there`;
    const metric =
      there?.metric === undefined
        ? ''
        : `; ${there.metric.name} ${there.metric.candidate.toFixed(3)} on ${labelled} of known truth, ${there.metric.production.toFixed(3)} there`;
    return `${rows} of the newest ${logged} requests are answered as the model does${other}${metric}`;
  }
  if (id === 'robustness' && robustness !== undefined && robustness.length > 0) {
    const most = robustness
      .flatMap(({ perturbation, changed: share }) =>
        share === undefined || mayChange.includes(perturbation) ? [] : [{ perturbation, share }],
      )
      .toSorted((left, right) => right.share - left.share)
      .at(0);
    const changed =
      most === undefined ? '' : `; the most answers changed with ${most.perturbation}: ${Number((most.share * 100).toFixed(1))} %`;
    return `${robustness.length} perturbations without an error of the server${changed}`;
  }
  if (id === 'comparison' && comparison !== undefined) {
    return `${Number((comparison.changed * 100).toFixed(1))} % of ${comparison.rows} rows are answered otherwise than in production`;
  }
  if (id === 'footprint' && footprint !== undefined) {
    const memory = footprint.residentMiB === undefined ? '' : `, ${Math.round(footprint.residentMiB)} MiB of memory`;
    return `ready after ${Math.round(footprint.startMs)} ms${memory}, ${footprint.packageMiB.toFixed(2)} MiB of files`;
  }
  if (id === 'saturation' && saturation !== undefined) {
    const { sustainedPerSecond, brokenPerSecond, latencyP99Ms } = saturation;
    if (sustainedPerSecond === undefined) return `no rate was borne: ${figure(brokenPerSecond ?? 0)}/s was too much`;
    const beyond = brokenPerSecond === undefined ? 'more was not offered' : `${figure(brokenPerSecond)}/s was too much`;
    return `${figure(sustainedPerSecond)} requests/s with 99 of 100 within ${latencyP99Ms} ms; ${beyond}`;
  }
  return undefined;
}

/** The figure that a set is told by: the first of those that most people know. */
function mainFigure(metrics: Readonly<Record<string, number>>): string {
  const name = ['accuracy', 'r2', ...Object.keys(metrics)].find((known) => known in metrics);
  return name === undefined ? 'nothing could be measured' : `${name} ${metrics[name].toFixed(3)}`;
}

/** Requests a second: a few of them are told by their fractions. */
function figure(perSecond: number): string {
  return perSecond < 10 ? String(Number(perSecond.toPrecision(2))) : String(Math.round(perSecond));
}

const heavy: readonly RequirementId[] = ['saturation', 'soak', 'footprint', 'comparison', 'explanations'];

/** What is not asked of an endpoint that does not answer the rows of the test report. */
export function unansweredRows(profile: TestProfile): Unasked {
  const why = 'not asked: the rows of the test report were not answered';
  const ids: readonly RequirementId[] = [
    'validation',
    'production',
    'slices',
    'fairness',
    'robustness',
    ...(profile === 'full' ? heavy : []),
  ];
  return Object.fromEntries(ids.map((id) => [id, why]));
}

function unasked({ profile, checks }: Measured, id: RequirementId): string {
  if (heavy.includes(id) && profile !== 'full') return 'only in the full profile: gyre release test --profile full';
  if (id === 'slices' || id === 'fairness') return 'the project names no slices, and no gate on groups (test.slices, test.gates)';
  if (id === 'footprint') return 'measured; the project sets no limits (release.tests.footprint)';
  if (id === 'validation') return 'measured; the project has no gates on these datasets (release.tests.validation)';
  return checks.length === 0 ? 'nothing was checked' : 'it does not apply to this model';
}
