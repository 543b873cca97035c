import type { CellValue, Check, JudgedVersion, NamedRow, ProductionFinding, Signature } from '#contract';
import { isoInstant, messageOf, seeded, seedOf } from '#core';
import type { Random } from '#core';
import type { ScoringModel } from '#evaluation';
import { frameFromRecords, toRecords } from '#tables';
import type { Frame } from '#tables';
import { goldenTolerance, rowsInRequest, scaleOf } from '../application-tests.ts';
import type { PlaneClient } from '../plane-client.ts';
import type { ReleaseSettings } from '../port.ts';
import { askRows } from './ask-rows.ts';
import { compareAnswers } from './compare.ts';
import { dealFromGroups, fifths } from './deal.ts';
import { qualityOf } from './moved.ts';
import { predictionsOf } from './predictions-of.ts';
import type { Unasked } from './requirements.ts';
import { apart, isSound, type Prediction } from './said.ts';

/** What an endpoint was asked lately, the newest first. */
export interface LoggedRequests {
  /** Their inputs, those that at least one carries. */
  readonly frame: Frame;
  /** The class that was said; null where none was. */
  readonly predicted: readonly (string | null)[];
  /** The value of a regression, or the probability of a class. */
  readonly scores: readonly (number | null)[];
  /** What was true, where that is known; else null. */
  readonly actuals: readonly CellValue[];
  /** UTC milliseconds. */
  readonly at: readonly number[];
}

/** The version in production with its model, or why it cannot be compared with. */
export type Champion = { readonly version: JudgedVersion; readonly model: ScoringModel } | { readonly why: string };

export interface ProductionInput {
  readonly client: PlaneClient;
  readonly version: JudgedVersion;
  readonly model: ScoringModel;
  readonly requests: LoggedRequests;
  readonly champion: () => Promise<Champion>;
  /** Rows of the test report: what takes the place of values that are hidden. */
  readonly donors: readonly NamedRow[];
  /** Inputs that the log masks, or that tell of a person. */
  readonly hidden: readonly string[];
  readonly slices: readonly string[];
  readonly limits: ReleaseSettings['production'];
  readonly sleep: (ms: number) => Promise<void>;
}

export interface ProductionFindings {
  readonly checks: readonly Check[];
  readonly production?: ProductionFinding;
  readonly unasked: Unasked;
}

const usualRows = 300;
/** On fewer nothing is said of how much worse a version is. */
const leastLabelled = 30;

/**
 * Asks a version what production was asked: drawn in turn from groups of what was answered and of the slices, with what is hidden exchanged for values of
 * rows of the test report. Each has to be answered, with the model's own output; how many may be answered otherwise than by production is the project's.
 */
export async function productionFindings(input: ProductionInput): Promise<ProductionFindings> {
  const { version, model, requests, limits = {} } = input;
  const { signature } = version;
  if (signature.inputs.some(({ image }) => image !== undefined))
    return { checks: [], unasked: { production: 'the log keeps no pictures' } };
  if (requests.frame.rows === 0) return { checks: [], unasked: { production: 'production has no request on record yet' } };
  const random = seeded(seedOf(version.package, 'production'));
  const groups = groupsOf(input);
  const places = dealFromGroups(groups, limits.rows ?? usualRows, random);
  const { rows, exchanged } = withoutHidden(input, places, random);
  const answers = await askRows({ client: input.client, rowsInRequest: rowsInRequest(signature), sleep: input.sleep }, rows);
  const asked = answers.flatMap((answer, at) =>
    typeof answer === 'string' || !isSound(answer) ? [] : [{ row: rows[at], answer, actual: requests.actuals[places[at]] }],
  );
  const frame = frameFromRecords(
    asked.map(({ row }) => row),
    signature.inputs.map(({ name, type }) => ({ name, type: type === 'integer' ? 'number' : type })),
  );
  const { expected, why } = await ownOutput(model, frame);
  if (expected === undefined) {
    const message = `the model itself cannot be asked with what production was sent: ${why}`;
    return {
      checks: [{ name: 'production: model', passed: false, observed: null, wanted: 'the model’s own output', message }],
      unasked: {},
    };
  }
  const own = predictionsOf(signature, expected);
  const largest = asked.reduce((most, { answer }, at) => Math.max(most, apart(own[at], answer)), 0);
  const times = places.map((place) => requests.at[place]);
  const refused = answers.filter((answer) => answer === 'refused').length;
  const found: ProductionFinding = {
    logged: requests.frame.rows,
    rows: rows.length,
    groups: new Set(groups).size,
    from: isoInstant(Math.min(...times)),
    to: isoInstant(Math.max(...times)),
    exchanged: [...exchanged],
    refused,
    unanswered: rows.length - asked.length - refused,
    largest,
    labelled: asked.filter(({ actual }) => !Number.isNaN(truthOf(signature, actual))).length,
  };
  const compared = asked.length === 0 ? { why: 'none of its rows was answered' } : await againstChampion(input, frame, asked);
  const production = 'why' in compared ? found : { ...found, comparison: compared };
  return {
    checks: [...answeredChecks(production, goldenTolerance * scaleOf(signature, expected)), ...limitChecks(input, production)],
    production,
    unasked: 'why' in compared ? { production: `not compared with production: ${compared.why}` } : {},
  };
}

/** What the model says of rows in this process. */
async function ownOutput(
  model: ScoringModel,
  frame: Frame,
): Promise<{ readonly expected: Float64Array; readonly why?: undefined } | { readonly expected?: undefined; readonly why: string }> {
  try {
    return { expected: frame.rows === 0 ? new Float64Array() : await model.probabilities(frame) };
  } catch (error) {
    return { why: messageOf(error) };
  }
}

/** What was answered (of numbers: the fifth that it is in), and the value of each slice. */
function groupsOf({ requests: { frame, predicted, scores }, slices }: ProductionInput): readonly string[] {
  const columns = slices.filter((name) => frame.has(name));
  const of = fifths(scores);
  return toRecords(frame).map((record, row) => JSON.stringify([predicted[row] ?? of[row], ...columns.map((name) => record[name] ?? null)]));
}

/** The rows as they are sent: what is hidden, or was not logged, comes from a row of the test report. */
function withoutHidden(
  { version, requests: { frame }, hidden, donors }: ProductionInput,
  places: readonly number[],
  random: Random,
): { readonly rows: readonly NamedRow[]; readonly exchanged: readonly string[] } {
  const names = version.signature.inputs.map(({ name }) => name);
  const exchanged = names.filter((name) => hidden.includes(name) || !frame.has(name));
  const records = toRecords(frame);
  const rows = places.map((place): NamedRow => {
    const donor = exchanged.length === 0 ? {} : donors[random.int(donors.length)];
    return Object.fromEntries(names.map((name) => [name, (exchanged.includes(name) ? donor[name] : records[place][name]) ?? null]));
  });
  return { rows, exchanged };
}

interface Asked {
  readonly row: NamedRow;
  readonly answer: Prediction;
  readonly actual: CellValue;
}

/** Production's own model on the very rows, since what was logged was said of rows before anything was exchanged. */
async function againstChampion(
  { version, champion, hidden }: ProductionInput,
  frame: Frame,
  asked: readonly Asked[],
): Promise<NonNullable<ProductionFinding['comparison']> | { readonly why: string }> {
  try {
    const there = await champion();
    if ('why' in there) return there;
    await using model = there.model;
    const theirs = predictionsOf(there.version.signature, await model.probabilities(frame));
    const ours = asked.map(({ answer }) => answer);
    const { signature } = version;
    const compared = compareAnswers({
      modelVersion: there.version.id,
      signature,
      rows: asked.map(({ row }) => row),
      production: theirs,
      candidate: ours,
      personal: hidden,
    });
    const known = asked.flatMap(({ actual }, at) => {
      const truth = truthOf(signature, actual);
      return Number.isNaN(truth) ? [] : [{ at, truth }];
    });
    const truth = Float64Array.from(known, (one) => one.truth);
    const quality = (answers: readonly Prediction[]) =>
      qualityOf(
        signature,
        truth,
        known.map(({ at }) => answers[at]),
      );
    const [production, candidate] = [quality(theirs), quality(ours)];
    if (production === undefined || candidate === undefined) return compared;
    return { ...compared, metric: { name: candidate.name, production: production.value, candidate: candidate.value } };
  } catch (error) {
    return { why: messageOf(error) };
  }
}

/** The class index, or the number; NaN where it is not known or no class of the model. */
function truthOf({ task, classes }: Signature, actual: CellValue): number {
  if (actual === null) return Number.NaN;
  if (task === 'regression') return Number(actual);
  const at = classes.indexOf(String(actual));
  return at < 0 ? Number.NaN : at;
}

function answeredChecks({ rows, refused, unanswered, largest }: ProductionFinding, tolerance: number): readonly Check[] {
  const wrong = [
    ...(refused > 0 ? [`${refused} are refused`] : []),
    ...(unanswered > 0 ? [`${unanswered} are answered with an error of the server or with no number`] : []),
  ];
  return [
    {
      name: 'production: answered',
      passed: wrong.length === 0,
      observed: refused + unanswered,
      wanted: '0 not answered',
      message: `${rows} requests that production was sent${wrong.length === 0 ? ' are answered' : `: ${wrong.join(', ')}`}`,
    },
    {
      name: 'production: model',
      passed: largest <= tolerance,
      observed: Number.isFinite(largest) ? largest : null,
      wanted: `<= ${tolerance}`,
      message: `the largest difference from the model's own output is ${largest.toExponential(1)}`,
    },
  ];
}

function limitChecks({ limits = {} }: ProductionInput, { comparison, labelled }: ProductionFinding): readonly Check[] {
  if (comparison === undefined) return [];
  const { changed, metric } = comparison;
  const share = Number((changed * 100).toFixed(1));
  const checks: Check[] = [];
  if (limits.changed !== undefined) {
    checks.push({
      name: 'production: changed',
      passed: changed <= limits.changed,
      observed: changed,
      wanted: `<= ${limits.changed}`,
      message: `${share} % of them are answered otherwise than by the version in production`,
    });
  }
  if (limits.drop !== undefined && metric !== undefined && labelled >= leastLabelled) {
    const drop = metric.production - metric.candidate;
    checks.push({
      name: 'production: quality',
      passed: drop <= limits.drop,
      observed: drop,
      wanted: `<= ${limits.drop} below production`,
      message: `${metric.name} on the ${labelled} of which the truth is known: ${metric.candidate.toFixed(3)}, production ${metric.production.toFixed(3)}`,
    });
  }
  return checks;
}
