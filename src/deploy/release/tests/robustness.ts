import type { ApplicationTestSpec, Check, NamedRow, RobustnessFinding, Signature, WorstCase } from '#contract';
import type { PlaneClient } from '../plane-client.ts';
import { askRows } from './ask-rows.ts';
import { movedFrom, qualityOf } from './moved.ts';
import type { Perturbation } from './perturb-rows.ts';
import { apart, isSound, type Prediction, saidOf, shown } from './said.ts';

export interface RobustnessInput {
  readonly client: PlaneClient;
  readonly signature: Signature;
  /** The rows as they are, with what the plane says of them and what was true. */
  readonly rows: readonly NamedRow[];
  readonly before: readonly Prediction[];
  readonly truth: Float64Array;
  readonly personal: readonly string[];
  readonly perturbations: readonly Perturbation[];
  readonly limits: ApplicationTestSpec['robustness'];
  readonly rowsInRequest: number;
  /** Of golden requests. */
  readonly tolerance: number;
  readonly sleep: (ms: number) => Promise<void>;
}

export interface RobustnessFound {
  readonly findings: readonly RobustnessFinding[];
  readonly checks: readonly Check[];
}

const worstCases = 5;

/**
 * Sends perturbed rows and compares the answers with those to the rows as they are. An error of the server, or an answer without a number, fails in any
 * case; how many answers may change is the project's to say.
 */
export async function robustness(input: RobustnessInput): Promise<RobustnessFound> {
  const findings: RobustnessFinding[] = [];
  const checks: Check[] = [];
  for (const perturbation of input.perturbations) {
    const finding = await tried(input, perturbation);
    findings.push(finding);
    checks.push(judged(input, perturbation, finding));
  }
  return { findings, checks };
}

async function tried(input: RobustnessInput, { name, says, rows, places }: Perturbation): Promise<RobustnessFinding> {
  const answers = await askRows(input, rows);
  const refused = answers.filter((answer) => answer === 'refused').length;
  let unanswered = answers.filter((answer) => answer === 'failed').length;
  const pairs = answers.flatMap((after, at) => {
    if (typeof after === 'string') return [];
    const place = places?.[at] ?? at;
    const difference = apart(input.before[place], after);
    if (!isSound(after) || !Number.isFinite(difference)) {
      unanswered++;
      return [];
    }
    return [{ row: place, sent: rows[at], before: input.before[place], after, difference }];
  });
  const other = pairs.filter(movedFrom(input.signature, input.before));
  const worst = pairs
    .toSorted((left, right) => right.difference - left.difference)
    .slice(0, worstCases)
    .filter(({ difference }) => difference > 0)
    .map(({ row, sent, before, after, difference }): WorstCase => ({
      row,
      before: saidOf(before),
      after: saidOf(after),
      difference,
      inputs: shown(input.signature, sent, input.personal),
    }));
  const metric = pairs.length === rows.length ? metricOf(input, pairs) : undefined;
  return {
    perturbation: name,
    says,
    rows: rows.length,
    ...(pairs.length === 0 ? {} : { changed: other.length / pairs.length }),
    largest: pairs.reduce((largest, { difference }) => Math.max(largest, difference), 0),
    ...(metric === undefined ? {} : { metric }),
    unanswered,
    refused,
    worst,
  };
}

/** Accuracy, or R² of a regression, before and after. */
function metricOf(
  { signature, truth }: RobustnessInput,
  pairs: readonly { readonly row: number; readonly before: Prediction; readonly after: Prediction }[],
): RobustnessFinding['metric'] {
  const ofRows = Float64Array.from(pairs, ({ row }) => truth[row]);
  const of = (said: 'before' | 'after') =>
    qualityOf(
      signature,
      ofRows,
      pairs.map((pair) => pair[said]),
    );
  const [before, after] = [of('before'), of('after')];
  return before === undefined || after === undefined ? undefined : { name: after.name, before: before.value, after: after.value };
}

function judged(
  { limits = {}, tolerance }: RobustnessInput,
  { name, asks }: Perturbation,
  { rows, changed, largest, metric, unanswered, refused }: RobustnessFinding,
): Check {
  const wrong: string[] = [];
  const wanted = ['an answer to every row'];
  if (unanswered > 0) wrong.push(`${unanswered} of ${rows} rows were answered with an error of the server or with no number`);
  if (asks !== 'answered' && refused > 0) wrong.push(`${refused} of ${rows} rows were refused`);
  if (asks === 'same') {
    wanted.push(`the same to ${tolerance}`);
    if (!(largest <= tolerance)) wrong.push(`answers differ by ${figure(largest)}`);
  }
  if (asks === 'steady' && limits.changed !== undefined) {
    wanted.push(`at most ${percent(limits.changed)} changed`);
    if (changed !== undefined && changed > limits.changed) wrong.push(`${percent(changed)} of the answers changed`);
  }
  if (asks === 'steady' && limits.drop !== undefined) {
    wanted.push(`${metric?.name ?? 'accuracy'} down by at most ${limits.drop}`);
    if (metric === undefined || metric.before - metric.after > limits.drop) {
      wrong.push(
        metric === undefined
          ? 'its accuracy could not be measured'
          : `${metric.name} fell from ${figure(metric.before)} to ${figure(metric.after)}`,
      );
    }
  }
  const found = [
    changed === undefined
      ? `none of ${rows} rows was answered`
      : `${percent(changed)} of ${rows - refused - unanswered} answers changed, the largest difference is ${figure(largest)}`,
    ...(metric === undefined ? [] : [`${metric.name} ${figure(metric.before)} → ${figure(metric.after)}`]),
    ...(refused > 0 ? [`${refused} refused`] : []),
  ];
  return {
    name: `robustness: ${name}`,
    passed: wrong.length === 0,
    observed: changed ?? null,
    wanted: wanted.join(', '),
    message: (wrong.length === 0 ? found : wrong).join('; '),
  };
}

function percent(share: number): string {
  return `${Number((share * 100).toFixed(1))} %`;
}

function figure(value: number): string {
  return String(Number(value.toPrecision(3)));
}
