import type { ApplicationTestReport, Check, ExecutionSpec, JudgedVersion, NamedRow, ProductionComparison } from '#contract';
import { hasCode, messageOf, seeded, seedOf } from '#core';
import { answersToAll, goldenTolerance, type ReferenceRows, scaleOf } from '../application-tests.ts';
import { openLoadGenerator } from '../load/generator.ts';
import { findSaturation } from '../load/saturation.ts';
import { inferBody, openPlaneClient, type PlaneClient } from '../plane-client.ts';
import type { ScratchPlane } from '../planes.ts';
import type { ReleaseDeps, ReleaseSettings } from '../port.ts';
import { attempted } from './attempt.ts';
import { explanationStability } from './explanations.ts';
import { compareAnswers } from './compare.ts';
import type { TestProgress } from './progress.ts';
import type { Unasked } from './requirements.ts';
import type { Prediction } from './said.ts';
import { apart } from './said.ts';
import { soakChecks, soakFinding } from './soak.ts';

/** The version in production, or why this one is not compared with it. */
export type ToCompare = { readonly version: JudgedVersion } | { readonly why: string };

export interface FullInput {
  readonly deps: Pick<ReleaseDeps, 'planeAccess' | 'sleep' | 'monotonicMs'>;
  readonly progress: TestProgress;
  readonly version: JudgedVersion;
  readonly endpoint: string;
  /** Starts a plane beside that serves a version. @param execution what is otherwise than the project says */
  readonly scratch: (version: JudgedVersion, execution?: ExecutionSpec) => Promise<ScratchPlane>;
  readonly reference: ReferenceRows;
  /** What the environment's plane answered to all rows. */
  readonly answers: readonly Prediction[];
  readonly personal: readonly string[];
  /** What serves customers now, where it can be compared; else why it cannot. */
  readonly production: () => Promise<ToCompare>;
  readonly settings: ReleaseSettings;
  readonly timeoutMs: number;
}

/** What was measured, each in its own place of the report. */
type Found = Pick<ApplicationTestReport, 'footprint' | 'saturation' | 'soak' | 'comparison' | 'explanations'>;

export interface FullFindings extends Found {
  readonly checks: readonly Check[];
  readonly unasked: Unasked;
}

const mebibyte = 1024 * 1024;
const comparedRows = 500;
const loadBodies = 64;
const sideBySide = 8;
const explainedRows = 8;
/** Longer than planes take where the project says nothing: they give up first, and say why. */
const longestExplanationMs = 60_000;
const usual = { mostPerSecond: 2000, stepMs: 2000, soakMs: 30_000 };

/**
 * What takes longer, or would disturb who else uses the environment: on data planes that are started for it and end with it, one at a time, since they
 * share this machine. What fails of it is a failed check, and takes nothing from what else is found.
 */
export async function fullFindings(input: FullInput): Promise<FullFindings> {
  const rows = input.reference.rows.slice(0, comparedRows);
  input.progress.at('a data plane of its own');
  const own = await ofOwnPlane(input, rows);
  const workers =
    own.footprint === undefined
      ? []
      : await attempted({ name: 'consistency: two workers', wanted: 'an answer' }, () => acrossWorkers(input, rows));
  const compared = await comparedWithProduction(input, rows);
  return { ...own, ...compared, checks: [...own.checks, ...workers, ...compared.checks], unasked: { ...own.unasked, ...compared.unasked } };
}

/** What is measured on a data plane that serves the version and nobody else. */
async function ofOwnPlane(input: FullInput, rows: readonly NamedRow[]): Promise<FullFindings> {
  const { version, settings, reference } = input;
  const checks: Check[] = [];
  const found: Found = {};
  let unasked: Unasked = {};
  const measured = async (plane: ScratchPlane, client: PlaneClient): Promise<readonly Check[]> => {
    checks.push(
      ...(await attempted({ name: 'consistency: another process', wanted: 'an answer' }, async () => [
        sameAnswers(input, await answersToAll(client, rows, version.signature), {
          name: 'consistency: another process',
          asked: 'asked of a data plane that was just started',
        }),
      ])),
    );
    const resident = await plane.residentBytes();
    found.footprint = {
      startMs: plane.startMs,
      ...(resident === undefined ? {} : { residentMiB: resident / mebibyte }),
      packageMiB: version.files.reduce((sum, { size }) => sum + size, 0) / mebibyte,
    };
    checks.push(...footprintChecks(found.footprint, settings.footprint ?? {}));
    using explainer = openPlaneClient({
      address: plane.address,
      endpoint: input.endpoint,
      timeoutMs: input.timeoutMs + Math.max(longestExplanationMs, settings.explainTimeoutMs ?? 0),
      ...input.deps.planeAccess,
    });
    input.progress.at('explanations');
    const explained = await explanationStability({
      client: explainer,
      endpoint: input.endpoint,
      inputs: version.signature.inputs,
      rows: reference.rows.slice(0, explainedRows),
      random: seeded(seedOf(version.package, 'explanations')),
      limit: settings.explanations?.agreement,
    });
    checks.push(...explained.checks);
    if (explained.explanations !== undefined) found.explanations = explained.explanations;
    if (explained.inapplicable !== undefined && explained.checks.length === 0) {
      unasked = { explanations: `not explained by column: ${explained.inapplicable}` };
    }
    return await attempted({ name: 'soak: errors', wanted: 'a load' }, () => underLoad(input, plane, found));
  };
  checks.push(
    ...(await attempted({ name: 'footprint: start-up', wanted: 'a data plane of its own' }, () => onScratch(input, version, measured))),
  );
  if (found.footprint === undefined) {
    const why = 'not measured: no data plane of its own could be started';
    unasked = { explanations: why, soak: why, saturation: why };
  }
  return { checks, ...found, unasked };
}

/** A soak, then more and more requests until they are too many. */
async function underLoad(input: FullInput, plane: ScratchPlane, found: Found): Promise<readonly Check[]> {
  const { version, settings, reference } = input;
  const { mostPerSecond = usual.mostPerSecond, stepMs = usual.stepMs, atLeastPerSecond } = settings.saturation ?? {};
  await using generator = await openLoadGenerator({
    address: plane.address,
    path: `/v2/models/${version.model}/infer`,
    bodies: reference.rows.slice(0, loadBodies).map((row) => inferBody(version.signature.inputs, [row])),
    timeoutMs: input.timeoutMs,
    signal: input.progress.signal,
    ...input.deps.planeAccess,
  });
  input.progress.at('soak');
  const soaked = await attempted({ name: 'soak: errors', wanted: 'a soak' }, async () => {
    found.soak = await soakFinding({
      offer: (load) => generator.offer(load),
      ratePerSecond: settings.requestsPerSecond,
      durationMs: settings.soak?.durationMs ?? usual.soakMs,
      residentBytes: () => plane.residentBytes(),
      sleep: input.deps.sleep,
      monotonicMs: input.deps.monotonicMs,
    });
    return soakChecks(found.soak, settings);
  });
  input.progress.at('saturation');
  const saturated = await attempted({ name: 'saturation: rate', wanted: 'a rate that is borne' }, async () => {
    const { points, asked, ...saturation } = await findSaturation({
      offer: (ratePerSecond) => generator.offer({ ratePerSecond, durationMs: stepMs }),
      startPerSecond: settings.requestsPerSecond,
      mostPerSecond: Math.max(mostPerSecond, atLeastPerSecond ?? 0),
      ...(atLeastPerSecond === undefined ? {} : { askedPerSecond: atLeastPerSecond }),
      latencyP99Ms: settings.latencyP99Ms,
    });
    found.saturation = { ...saturation, points: [...points], latencyP99Ms: settings.latencyP99Ms };
    if (asked === undefined) return [];
    const borne = saturation.sustainedPerSecond ?? 0;
    const within = `${Math.round(borne)} requests/s were borne within ${settings.latencyP99Ms} ms`;
    return [
      {
        name: 'saturation: rate',
        passed: asked.broken === undefined,
        observed: borne,
        wanted: `>= ${asked.offeredPerSecond}/s`,
        message: asked.broken === undefined ? within : `at ${asked.offeredPerSecond} requests/s ${asked.broken}; ${within}`,
      },
    ];
  });
  return [...soaked, ...saturated];
}

/** Production is not on trial: that it cannot be asked fails only what the project wants of the comparison. */
async function comparedWithProduction(
  input: FullInput,
  rows: readonly NamedRow[],
): Promise<Pick<FullFindings, 'checks' | 'comparison' | 'unasked'>> {
  const limit = input.settings.comparison?.changed;
  const check = (passed: boolean, observed: number | null, message: string): readonly Check[] =>
    limit === undefined ? [] : [{ name: 'comparison: changed', passed, observed, wanted: `<= ${limit}`, message }];
  input.progress.at('production, on the same requests');
  try {
    const production = await input.production();
    if ('why' in production) return { checks: [], unasked: { comparison: production.why } };
    const comparison = await againstProduction(input, production.version, rows);
    const share = Number((comparison.changed * 100).toFixed(1));
    const message = `${share} % of ${comparison.rows} rows are answered otherwise than in production`;
    return { checks: check(comparison.changed <= (limit ?? 1), comparison.changed, message), comparison, unasked: {} };
  } catch (error) {
    if (hasCode(error, 'CANCELLED')) throw error;
    const why = `not compared: the version in production, on a data plane of its own: ${messageOf(error)}`;
    return { checks: check(false, null, why), unasked: limit === undefined ? { comparison: why } : {} };
  }
}

function onScratch<T>(input: FullInput, version: JudgedVersion, use: (plane: ScratchPlane, client: PlaneClient) => Promise<T>): Promise<T> {
  return usingPlane(input, () => input.scratch(version), use);
}

async function usingPlane<T>(
  { deps, endpoint, timeoutMs }: FullInput,
  start: () => Promise<ScratchPlane>,
  use: (plane: ScratchPlane, client: PlaneClient) => Promise<T>,
): Promise<T> {
  await using plane = await start();
  using client = openPlaneClient({ address: plane.address, endpoint, timeoutMs, ...deps.planeAccess });
  return await use(plane, client);
}

/** Requests side by side, which two worker threads share: whichever answers, and whatever is run together, the answers are the same. */
async function acrossWorkers(input: FullInput, rows: readonly NamedRow[]): Promise<readonly Check[]> {
  const { version, scratch } = input;
  input.progress.at('two worker threads');
  const size = Math.ceil(rows.length / sideBySide);
  const parts = Array.from({ length: sideBySide }, (_, at) => rows.slice(at * size, (at + 1) * size)).filter(({ length }) => length > 0);
  const found = await usingPlane(
    input,
    () => scratch(version, { lane: 'workers', workers: { min: 2, max: 2 } }),
    (_, client) => Promise.all(parts.map((part) => answersToAll(client, part, version.signature))),
  );
  const asked = `asked side by side of a data plane with two worker threads`;
  return [sameAnswers(input, found.flat(), { name: 'consistency: two workers', asked })];
}

function sameAnswers(
  { answers, version, reference }: FullInput,
  others: readonly Prediction[],
  { name, asked }: { readonly name: string; readonly asked: string },
): Check {
  const tolerance = goldenTolerance * scaleOf(version.signature, reference.expected);
  const largest = others.reduce((most, other, at) => Math.max(most, apart(answers[at], other)), 0);
  return {
    name,
    passed: largest <= tolerance,
    observed: Number.isFinite(largest) ? largest : null,
    wanted: `<= ${tolerance}`,
    message: `${others.length} rows ${asked}: largest difference ${largest.toExponential(1)}`,
  };
}

function footprintChecks(
  found: NonNullable<ApplicationTestReport['footprint']>,
  limits: NonNullable<ReleaseSettings['footprint']>,
): readonly Check[] {
  const asked = [
    ['start-up', found.startMs, limits.startMs, 'ms until ready'],
    ['memory', found.residentMiB, limits.residentMiB, 'MiB resident'],
    ['package', found.packageMiB, limits.packageMiB, 'MiB of files'],
  ] as const;
  return asked.flatMap(([name, value, limit, unit]) =>
    limit === undefined
      ? []
      : [
          {
            name: `footprint: ${name}`,
            passed: value !== undefined && value <= limit,
            observed: value ?? null,
            wanted: `<= ${limit} ${unit}`,
            message: value === undefined ? `${name} cannot be measured on this system` : `${value.toFixed(1)} ${unit}`,
          },
        ],
  );
}

async function againstProduction(input: FullInput, production: JudgedVersion, rows: readonly NamedRow[]): Promise<ProductionComparison> {
  const theirs = await onScratch(input, production, (_, client) => answersToAll(client, rows, input.version.signature));
  return compareAnswers({
    modelVersion: production.id,
    signature: input.version.signature,
    rows,
    production: theirs,
    candidate: input.answers.slice(0, rows.length),
    truth: input.reference.truth,
    personal: input.personal,
  });
}
