import { GyreError, hasCode, messageOf } from '#core';
import { meets, parseThreshold } from '#project';
import type { Check, LoadFigures, JudgedVersion, NamedRow, PredictAnswer, Signature } from '#contract';
import { malformedRequests } from './malformed-requests.ts';
import { batchesOf } from './tests/batches.ts';
import type { Frame } from '#tables';
import { inferBody, type PlaneClient } from './plane-client.ts';
import type { LoadMeasured } from './load/open-loop.ts';

/** Rows that are sent, with what the model must say of them and what was true. */
export interface SentRows {
  /** The dataset version that the rows are of. */
  readonly dataset: string;
  readonly rows: readonly NamedRow[];
  /** The model's own scores, by the trainer without ONNX where it is ours, else by its graph in this process: [rows][classes] for classification, [rows] for regression. */
  readonly expected: Float64Array;
  /** Metrics over the plane's own answers: predicted classes or values against the truth. */
  readonly score: (answers: PredictAnswer['predictions']) => {
    readonly metrics: Readonly<Record<string, number>>;
    readonly scores: Float64Array;
  };
  /** The rows with all their columns, and whether they are all that there are. */
  readonly frame: Frame;
  readonly isWhole: boolean;
  readonly key?: string;
  /** Class indexes, or numbers for regression. */
  readonly truth: Float64Array;
}

/** The rows of the test report. */
export interface ReferenceRows extends SentRows {
  /** What the test report said of the same rows. */
  readonly reported: Readonly<Record<string, number>>;
}

export interface LoadTargets {
  readonly latencyP99Ms: number;
  readonly requestsPerSecond: number;
  readonly durationMs: number;
}

export interface ApplicationTestInput {
  readonly client: PlaneClient;
  readonly version: JudgedVersion;
  readonly reference: ReferenceRows;
  /** Metric → threshold, from the charter. */
  readonly thresholds: Readonly<Record<string, string>>;
  readonly targets: LoadTargets;
  /** Offers the load of the targets: these bodies in turn, to this path. */
  readonly runLoad: (load: { readonly path: string; readonly bodies: readonly string[] }) => Promise<LoadMeasured>;
}

export interface ApplicationTestFindings {
  readonly checks: readonly Check[];
  readonly load: LoadFigures;
  readonly metrics: Readonly<Record<string, number>>;
  /** What was answered to all rows, with the scores that its metrics were computed of; absent where it was not answered. */
  readonly answered?: { readonly answers: PredictAnswer['predictions']; readonly scores: Float64Array };
}

/** ONNX sums in float32 where the trainer sums in float64: agreement on probabilities is asked for to this. */
export const goldenTolerance = 1e-5;
const goldenRows = 32;
const repeats = 10;
const batchRows = 200;
/** Each is decoded and goes through a network: more of them in a request would say how patient the test is, not what the plane answers. */
const batchPictures = 16;
/** The plane's metrics are of the same rows as the report's. Relative where metrics exceed 1. */
export const metricTolerance = 0.002;

/** Runs the application tests against a data plane, over the network, as its clients would use it. What the plane gets wrong is a finding. */
export async function findings(input: ApplicationTestInput): Promise<ApplicationTestFindings> {
  const checks: Check[] = [
    await attempt('ready', () => readiness(input)),
    await attempt('metadata', () => metadata(input)),
    await attempt('golden_requests', () => golden(input)),
    await attempt('consistency', () => consistency(input)),
    ...(await badInput(input)),
  ];
  let metrics: Readonly<Record<string, number>> = {};
  let answered: ApplicationTestFindings['answered'];
  checks.push(
    await attempt('accuracy', async () => {
      const answers = await answersToAll(input.client, input.reference.rows, input.version.signature);
      const scored = input.reference.score(answers);
      metrics = scored.metrics;
      answered = { answers, scores: scored.scores };
      return accuracy(input.reference, metrics);
    }),
    ...charterChecks(input, metrics),
  );
  const load = await underLoad(input);
  checks.push(...load.checks);
  return { checks, load: load.figures, metrics, ...(answered === undefined ? {} : { answered }) };
}

/** A plane that does not answer, or answers a good request badly, fails the check: that is what the tests are for. */
async function attempt(name: string, check: () => Promise<Check>): Promise<Check> {
  try {
    return await check();
  } catch (error) {
    if (!hasCode(error, 'UNAVAILABLE')) throw error;
    return verdict(name, false, null, 'an answer', messageOf(error));
  }
}

async function readiness({ client }: ApplicationTestInput): Promise<Check> {
  const { status } = await client.get('/v2/health/ready');
  return verdict('ready', status === 200, status, '200', `GET /v2/health/ready answered ${status}`);
}

async function metadata({ client, version }: ApplicationTestInput): Promise<Check> {
  const { status, body } = await client.get(`/v2/models/${version.model}/versions/${version.version}`);
  const served = namesOf(body);
  const wanted = version.signature.inputs.map(({ name }) => name);
  const same = status === 200 && served.length === wanted.length && wanted.every((name) => served.includes(name));
  return verdict(
    'metadata',
    same,
    served.length,
    `${wanted.length} inputs of the signature`,
    same
      ? `the plane serves version ${version.version} with the ${wanted.length} inputs of its signature`
      : `the plane answered ${status} with inputs ${served.join(', ')}`,
  );
}

function namesOf(body: unknown): readonly string[] {
  if (typeof body !== 'object' || body === null || !('inputs' in body) || !Array.isArray(body.inputs)) return [];
  return body.inputs.flatMap((input: unknown) =>
    typeof input === 'object' && input !== null && 'name' in input && typeof input.name === 'string' ? [input.name] : [],
  );
}

async function golden({ client, version, reference }: ApplicationTestInput): Promise<Check> {
  const [rows] = batchesOf(reference.rows, goldenRows);
  const answered = scores(await client.predict(rows), version.signature);
  const expected = reference.expected.subarray(0, (reference.expected.length / reference.rows.length) * rows.length);
  const tolerance = goldenTolerance * scaleOf(version.signature, reference.expected);
  if (answered.length !== expected.length) {
    const message = `${rows.length} known inputs were answered with ${answered.length} figures; the model's own output has ${expected.length}`;
    return verdict('golden_requests', false, answered.length, `${expected.length} figures`, message);
  }
  let largest = 0;
  for (let at = 0; at < expected.length; at++) largest = Math.max(largest, Math.abs(answered[at] - expected[at]));
  return verdict(
    'golden_requests',
    largest <= tolerance,
    largest,
    `<= ${tolerance}`,
    `${rows.length} known inputs: largest difference from the model's own output ${largest.toExponential(1)}`,
  );
}

async function consistency({ client, version, reference }: ApplicationTestInput): Promise<Check> {
  const [rows] = batchesOf(reference.rows, 8);
  const body = inferBody(version.signature.inputs, rows);
  const path = `/v2/models/${version.model}/versions/${version.version}/infer`;
  const outputs = new Set<string>();
  for (let repeat = 0; repeat < repeats; repeat++) {
    const { status, body: answer } = await client.post(path, body);
    outputs.add(status === 200 ? JSON.stringify(tensorsOf(answer)) : `status ${status}`);
  }
  const together = scores(await client.predict(rows), version.signature);
  const alone: number[] = [];
  for (const row of rows) alone.push(...scores(await client.predict([row]), version.signature));
  const sameAlone =
    together.length === alone.length &&
    together.every((value, at) => Math.abs(value - alone[at]) <= goldenTolerance * scaleOf(version.signature, reference.expected));
  const failed = [...outputs].find((output) => output.startsWith('status'));
  return verdict(
    'consistency',
    outputs.size === 1 && failed === undefined && sameAlone,
    outputs.size,
    '1 distinct output',
    failed ??
      `${repeats} repeats of one request gave ${outputs.size} distinct output${outputs.size === 1 ? '' : 's'}; rows sent alone ${sameAlone ? 'agree with' : 'differ from'} rows sent together`,
  );
}

function tensorsOf(answer: unknown): unknown {
  return typeof answer === 'object' && answer !== null && 'outputs' in answer ? answer.outputs : answer;
}

async function badInput({ client, version, reference }: ApplicationTestInput): Promise<readonly Check[]> {
  const path = `/v2/models/${version.model}/infer`;
  const checks: Check[] = [];
  for (const malformed of malformedRequests(version.signature, reference.rows[0])) {
    const name = `bad_input: ${malformed.name}`;
    checks.push(
      await attempt(name, async () => {
        const { status } = await client.post(malformed.path ?? path, malformed.body);
        return verdict(name, status >= 400 && status < 500, status, '4xx', `${malformed.name} was answered with ${status}`);
      }),
    );
  }
  return checks;
}

/** How many rows are sent together. */
export function rowsInRequest({ inputs }: Signature): number {
  return inputs.some(({ image }) => image !== undefined) ? batchPictures : batchRows;
}

/** What a plane answers to rows. @throws GyreError UNAVAILABLE when one is not answered */
export async function answersToAll(
  client: PlaneClient,
  all: readonly NamedRow[],
  signature: Signature,
): Promise<PredictAnswer['predictions']> {
  const answers: PredictAnswer['predictions'] = [];
  for (const rows of batchesOf(all, rowsInRequest(signature))) {
    const { predictions } = await client.predict(rows);
    if (predictions.length !== rows.length) {
      throw new GyreError('UNAVAILABLE', `${rows.length} rows were answered with ${predictions.length} predictions`);
    }
    answers.push(...predictions);
  }
  return answers;
}

/** Metrics that both name and that are apart by more than the tolerance. */
export function metricsApart(
  metrics: Readonly<Record<string, number>>,
  reported: Readonly<Record<string, number>>,
): { readonly shared: readonly string[]; readonly apart: readonly string[] } {
  const shared = Object.keys(metrics).filter((name) => name in reported);
  // Written so that NaN is apart from everything.
  const apart = shared.filter(
    (name) => !(Math.abs(metrics[name] - reported[name]) <= metricTolerance * Math.max(1, Math.abs(reported[name]))),
  );
  return { shared, apart };
}

function accuracy({ rows, reported }: ReferenceRows, metrics: Readonly<Record<string, number>>): Check {
  const { shared, apart } = metricsApart(metrics, reported);
  const figures = shared.map((name) => `${name} ${metrics[name].toFixed(3)}`).join(', ');
  return verdict(
    'accuracy',
    shared.length > 0 && apart.length === 0,
    apart.length,
    `the test report's figures ± ${metricTolerance}`,
    apart.length === 0
      ? `${rows.length} rows of the test report, over HTTP: ${figures === '' ? 'no metric of the test report' : figures}`
      : apart.map((name) => `${name} is ${metrics[name]} over HTTP and ${reported[name]} in the test report`).join('; '),
  );
}

function charterChecks({ thresholds }: ApplicationTestInput, metrics: Readonly<Record<string, number>>): readonly Check[] {
  return Object.entries(thresholds).flatMap(([name, threshold]): readonly Check[] => {
    if (!(name in metrics)) return [];
    const passed = meets(metrics[name], parseThreshold(threshold));
    return [
      verdict(
        `charter: ${name}`,
        passed,
        metrics[name],
        threshold,
        `${name} over HTTP is ${metrics[name].toFixed(3)}; the charter asks for ${threshold}`,
      ),
    ];
  });
}

async function underLoad(input: ApplicationTestInput): Promise<{ readonly checks: readonly Check[]; readonly figures: LoadFigures }> {
  const { version, reference, targets } = input;
  const bodies = reference.rows.slice(0, 64).map((row) => inferBody(version.signature.inputs, [row]));
  const path = `/v2/models/${version.model}/infer`;
  const { failures, backlog: _backlog, ...figures } = await input.runLoad({ path, bodies });
  const wrong = Object.entries(failures).map(([what, times]) => `${what} (${times})`);
  return {
    figures,
    checks: [
      verdict(
        'load: errors',
        figures.errors === 0,
        figures.errors,
        '0',
        `${figures.errors} of ${figures.requests} requests under load failed${wrong.length === 0 ? '' : `: ${wrong.join(', ')}`}`,
      ),
      verdict(
        'load: latency',
        figures.p99Ms <= targets.latencyP99Ms,
        figures.p99Ms,
        `<= ${targets.latencyP99Ms} ms`,
        `p99 ${figures.p99Ms.toFixed(1)} ms at ${Math.round(figures.ratePerSecond)} requests/s; the generator itself was late by ${figures.lateP99Ms.toFixed(1)} ms at most in 99 of 100`,
      ),
      verdict(
        'load: throughput',
        figures.ratePerSecond >= 0.9 * targets.requestsPerSecond,
        figures.ratePerSecond,
        `>= 90% of ${targets.requestsPerSecond}/s`,
        `${Math.round(figures.ratePerSecond)} requests/s were answered of ${targets.requestsPerSecond}/s offered`,
      ),
    ],
  };
}

/** The numbers of a plane's answer in the order of the trainer's: probabilities by class, or the value. */
function scores(answer: PredictAnswer, signature: Signature): readonly number[] {
  return answer.predictions.flatMap((prediction) =>
    prediction.probabilities === undefined
      ? [prediction.value ?? Number.NaN]
      : signature.classes.map((name) => prediction.probabilities?.[name] ?? Number.NaN),
  );
}

export function scaleOf(signature: Signature, expected: Float64Array): number {
  if (signature.task !== 'regression') return 1;
  return Math.max(
    1,
    expected.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0),
  );
}

function verdict(name: string, passed: boolean, observed: Check['observed'], wanted: string, message: string): Check {
  return { name, passed, observed, wanted, message };
}
