import { GyreError, hasCode, messageOf } from '#core';
import { meets, parseThreshold } from '#project';
import type { Check, LoadFigures, JudgedVersion, NamedRow, PredictAnswer, Signature } from '#contract';
import { malformedRequests } from './malformed-requests.ts';
import { inferBody, type PlaneClient } from './plane-client.ts';
import type { LoadMeasured } from './load/open-loop.ts';

/** The rows of the test report, with what the model must say of them and what was true. */
export interface ReferenceRows {
  /** The dataset version that the rows are of. */
  readonly dataset: string;
  readonly rows: readonly NamedRow[];
  /** The model's own scores, by the trainer without ONNX where it is ours, else by its graph in this process: [rows][classes] for classification, [rows] for regression. */
  readonly expected: Float64Array;
  /** Metrics over the plane's own answers: predicted classes or values against the truth. */
  readonly score: (answers: PredictAnswer['predictions']) => Readonly<Record<string, number>>;
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
}

/** ONNX sums in float32 where the trainer sums in float64: agreement on probabilities is asked for to this. */
export const goldenTolerance = 1e-5;
const goldenRows = 32;
const repeats = 10;
const batchRows = 200;
/** Each is decoded and goes through a network: more of them in a request would say how patient the test is, not what the plane answers. */
const batchPictures = 16;
/** The plane's metrics are of the same rows as the report's. Relative where metrics exceed 1. */
const metricTolerance = 0.002;

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
  checks.push(
    await attempt('accuracy', async () => {
      metrics = input.reference.score(await answersToAll(input));
      return accuracy(input.reference, metrics);
    }),
    ...charterChecks(input, metrics),
  );
  const load = await underLoad(input);
  checks.push(...load.checks);
  return { checks, load: load.figures, metrics };
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

/** Bytes of the texts in one request: pictures are long ones, and bodies are limited. */
const batchBytes = 1024 * 1024;

/** Rows as they are sent together: so many at most, and fewer where they hold long texts. */
function batchesOf(rows: readonly NamedRow[], most: number): readonly (readonly NamedRow[])[] {
  const batches: NamedRow[][] = [[]];
  let bytes = 0;
  for (const row of rows) {
    const size = Object.values(row).reduce<number>((sum, value) => sum + (typeof value === 'string' ? value.length : 0), 0);
    const last = batches[batches.length - 1];
    if (last.length > 0 && (last.length >= most || bytes + size > batchBytes)) {
      batches.push([row]);
      bytes = size;
    } else {
      last.push(row);
      bytes += size;
    }
  }
  return batches;
}

async function answersToAll({ client, reference, version }: ApplicationTestInput): Promise<PredictAnswer['predictions']> {
  const answers: PredictAnswer['predictions'] = [];
  const most = version.signature.inputs.some(({ image }) => image !== undefined) ? batchPictures : batchRows;
  for (const rows of batchesOf(reference.rows, most)) {
    const { predictions } = await client.predict(rows);
    if (predictions.length !== rows.length) {
      throw new GyreError('UNAVAILABLE', `${rows.length} rows were answered with ${predictions.length} predictions`);
    }
    answers.push(...predictions);
  }
  return answers;
}

function accuracy({ rows, reported }: ReferenceRows, metrics: Readonly<Record<string, number>>): Check {
  const shared = Object.keys(metrics).filter((name) => name in reported);
  // Written so that NaN is apart from everything.
  const apart = shared.filter(
    (name) => !(Math.abs(metrics[name] - reported[name]) <= metricTolerance * Math.max(1, Math.abs(reported[name]))),
  );
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
  const { failures, lateP99Ms, backlog: _backlog, ...figures } = await input.runLoad({ path, bodies });
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
        `p99 ${figures.p99Ms.toFixed(1)} ms at ${Math.round(figures.ratePerSecond)} requests/s; the generator itself was late by ${lateP99Ms.toFixed(1)} ms at most in 99 of 100`,
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

function scaleOf(signature: Signature, expected: Float64Array): number {
  if (signature.task !== 'regression') return 1;
  return Math.max(
    1,
    expected.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0),
  );
}

function verdict(name: string, passed: boolean, observed: Check['observed'], wanted: string, message: string): Check {
  return { name, passed, observed, wanted, message };
}
