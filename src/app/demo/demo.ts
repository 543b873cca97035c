import type { JudgedVersion, ModelVersion, NamedRow, Prediction, Project } from '#contract';
import { openClient, type Client } from '#cli';
import { GyreError } from '#core';
import { build } from './build-station.ts';
import { gatherCast, type Page } from './client.ts';
import { compareAfter, runDays } from './loop-station.ts';
import { narrator } from './narrator.ts';
import { release } from './release-station.ts';
import { loadScenario, planDays, type TrafficSource } from './scenario.ts';
import { environmentNames, type Stage } from './stage.ts';
import { tellSummary } from './summary.ts';

export interface DemoOptions {
  /** The example's folder. */
  readonly projectFolder: string;
  /** The running platform's base URL. */
  readonly address: string;
  readonly ownerToken: string;
  /** Shift the population only. */
  readonly control: boolean;
  /** The platform goes on after the summary. */
  readonly staysUp: boolean;
  /** Instead of the scenario's own seed. */
  readonly seed?: number;
  readonly write: (line: string) => void;
  readonly colour: boolean;
  readonly signal: AbortSignal;
  readonly sleep: (ms: number) => Promise<void>;
  readonly monotonicMs: () => number;
}

/**
 * Runs the example through the whole loop, as a client of the HTTP API: everything it says is read back from the records.
 * @returns whether the loop did what it should: the challenger is better and live, or, in the control run, was told not to help
 */
export async function runDemo(options: DemoOptions): Promise<boolean> {
  const started = options.monotonicMs();
  const clientFor = (token: string): Client => openClient({ address: options.address, token, signal: options.signal });
  const given = await loadScenario(options.projectFolder);
  const scenario = options.seed === undefined ? given : { ...given, seed: options.seed };
  const tell = narrator(options.write, options.colour);
  const cast = await gatherCast(clientFor(options.ownerToken), clientFor);
  const stage: Stage = { cast, tell, scenario, control: options.control, sleep: options.sleep, signal: options.signal };

  tell.chapter('Build: from a table of customers to a registered model');
  const built = await build(stage);
  tell.chapter('Deploy: tested, certified and approved by different people (simulated identities in this demo)');
  await release(stage, built.version, 'first release');

  tell.chapter('Monitor: real rows as traffic in simulated time, labels a day later');
  tell.say(
    options.control
      ? '  Control run: from the fourth day on other customers come, and they do what the table says. No rule of behaviour changes.'
      : `  SYNTHETIC drift from day ${scenario.steadyDays + 1} on, by the rule in drift.yaml (seed ${scenario.seed}): ${scenario.story.trim()}`,
  );
  const source = await trafficSource(stage, built.version, built.parts);
  const days = planDays(scenario, source.rows, options.control);
  const turn = await runDays(stage, days, { inputs: built.version.signature.inputs.map(({ name }) => name), key: source.rows.key });

  const { challenger, trainedBefore } = turn;
  const comparison =
    challenger === undefined || trainedBefore === undefined
      ? undefined
      : await compareAfter(stage, turn, built.version, challenger, trainedBefore);
  await tellSummary(stage, {
    turn,
    champion: built.version,
    ...(comparison === undefined ? {} : { comparison }),
    elapsedMs: options.monotonicMs() - started,
  });
  await tellNext(
    stage,
    turn.servedFrom === undefined ? built.version : (challenger ?? built.version),
    options.staysUp ? options.address : 'gyre up',
  );
  if (options.control) return turn.servedFrom === undefined && comparison !== undefined && comparison.verdict !== 'better';
  return turn.servedFrom !== undefined && comparison?.verdict === 'better';
}

async function trafficSource(
  { cast }: Stage,
  version: JudgedVersion,
  parts: Readonly<Record<string, string>>,
): Promise<{ readonly rows: TrafficSource }> {
  const { project } = await cast.scientist.get<{ readonly project: Pick<Project, 'data' | 'steps'> }>('project');
  const { data, steps } = project;
  const target = Object.values(steps)
    .flatMap((step) => ('target' in step ? [step.target] : []))
    .at(0);
  const [dataset] = Object.values(data);
  const { positive, classes } = version.signature;
  const stays = classes.find((name) => name !== positive);
  if (target === undefined || positive === undefined || stays === undefined) {
    throw new GyreError('FAILED_PRECONDITION', 'the demo needs a project with a binary target');
  }
  if (dataset.key === undefined)
    throw new GyreError('FAILED_PRECONDITION', 'the demo needs a dataset with a key: its rows come back with their labels');
  return {
    rows: {
      key: dataset.key,
      target,
      leaves: positive,
      stays,
      reference: await rowsOf(cast.steward, parts['reference']),
      later: await rowsOf(cast.steward, parts['later']),
    },
  };
}

async function rowsOf(client: Client, digest: string | undefined): Promise<readonly NamedRow[]> {
  if (digest === undefined) throw new GyreError('FAILED_PRECONDITION', 'the demo needs the parts "reference" and "later" in the split');
  const rows: NamedRow[] = [];
  for (;;) {
    const page = await client.get<{ readonly rows: readonly NamedRow[]; readonly total: number }>(`datasets/${digest}/rows`, {
      limit: 1000,
      offset: rows.length,
    });
    rows.push(...page.rows);
    if (page.rows.length === 0 || rows.length >= page.total) return rows;
  }
}

async function tellNext(stage: Stage, version: ModelVersion, page: string): Promise<void> {
  const { production } = await environmentNames(stage);
  const newest = await stage.cast.operator.get<Page<Prediction>>('predictions', { environment: production, first: 'newest', limit: 1 });
  stage.tell.chapter('Look at it');
  stage.tell.station('page', page);
  const [prediction] = newest.items;
  if (prediction !== undefined) stage.tell.station('trace', `gyre trace prediction ${prediction.id}`);
  stage.tell.station('reproduce', `gyre reproduce ${version.model}/${version.version}`);
}
