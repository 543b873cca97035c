import type { Action, Alert, Comparison, ModelVersion, PipelineRun, TestReport, Window } from '#contract';
import { GyreError } from '#core';
import { tellReport } from './build-station.ts';
import { type Page, waitForPipeline } from './client.ts';
import { figure } from './narrator.ts';
import { release } from './release-station.ts';
import type { Day } from './scenario.ts';
import { environmentNames, goOn, outputOf, type Stage, stepOf } from './stage.ts';
import { evaluateUntil, sendDay, sendLabels, type TrafficColumns, windowOf } from './traffic-station.ts';

/** What came of the days of traffic. */
export interface Turn {
  readonly days: readonly Day[];
  /** The one alert that the change raised; undefined when nothing crossed a threshold. */
  readonly alert?: Alert;
  readonly retraining?: Action;
  /** What the retraining made, released or not. */
  readonly challenger?: ModelVersion;
  /** The first day whose rows no training could have seen. */
  readonly trainedBefore?: number;
  /** The first day that the challenger served; undefined when it never went live. */
  readonly servedFrom?: number;
}

/** Runs the days one after another: traffic, yesterday's labels, windows, alert, retraining, release. */
export async function runDays(stage: Stage, days: readonly Day[], columns: TrafficColumns): Promise<Turn> {
  let turn: Turn = { days };
  let yesterday: Day | undefined;
  for (const day of days) {
    goOn(stage);
    await sendDay(stage, day, columns);
    if (yesterday !== undefined) await sendLabels(stage, yesterday);
    await evaluateUntil(stage, day.end);
    if (yesterday !== undefined) await tellDay(stage, yesterday);
    turn = await react(stage, turn, day);
    yesterday = day;
  }
  if (yesterday !== undefined) {
    await sendLabels(stage, yesterday);
    await evaluateUntil(stage, yesterday.end);
    await tellDay(stage, yesterday);
  }
  return { ...turn, ...(turn.alert === undefined ? {} : { alert: await stage.cast.operator.get<Alert>(`alerts/${turn.alert.id}`) }) };
}

async function tellDay(stage: Stage, day: Day): Promise<void> {
  const window = await windowOf(stage, day);
  if (window === undefined) throw new GyreError('INTERNAL', `day ${day.number} has no window`);
  stage.tell.station(`day ${day.number}`, windowText(window));
}

function windowText(window: Window): string {
  const accuracy = window.performance.find(({ name }) => name === 'accuracy');
  const band = accuracy?.interval === undefined ? '' : ` (95% ${figure(accuracy.interval.low, 2)} to ${figure(accuracy.interval.high, 2)})`;
  const verdict = accuracy?.met === false ? ' BELOW THE THRESHOLD' : '';
  const moved = window.drift
    .filter(({ drifted }) => drifted)
    .sort((left, right) => right.psi - left.psi)
    .slice(0, 3)
    .map(({ column, psi }) => `${column} ${figure(psi, 2)}`);
  const drift =
    moved.length === 0
      ? 'no column drifted'
      : `${window.driftedColumns.length} of ${window.drift.length} columns drifted (PSI: ${moved.join(', ')})`;
  return `${window.start.slice(0, 10)}: ${window.rows} predictions, p99 ${figure(window.latency.p99Ms, 1)} ms, accuracy ${figure(accuracy?.value)}${band}${verdict}; ${drift}`;
}

/** Looks what the platform made of the day: an alert, a retraining that is ready, a challenger to release. */
async function react(stage: Stage, turn: Turn, day: Day): Promise<Turn> {
  const alert = turn.alert ?? (await firstAlert(stage, turn, day));
  if (alert === undefined) return turn;
  const known: Turn = { ...turn, alert };
  if (known.retraining !== undefined) return known;
  const retraining = await retrainingOf(stage, alert, day);
  if (retraining === undefined) return known;
  const challenger = await tellRetraining(stage, retraining);
  const retrained: Turn = { ...known, retraining, challenger: challenger.version, trainedBefore: day.number + 1 };
  if (!challenger.helps) return retrained;
  await release(stage, challenger.version, `retrained: ${alert.title}`);
  return { ...retrained, servedFrom: day.number + 1 };
}

/** The first alert, once its day has come: a demo that is told again finds on record what came later, too. */
async function firstAlert(stage: Stage, turn: Turn, day: Day): Promise<Alert | undefined> {
  const alerts = await stage.cast.operator.get<Page<Alert>>('alerts');
  const alert = alerts.items.toSorted((left, right) => left.raisedAt.localeCompare(right.raisedAt)).at(0);
  if (alert === undefined) return undefined;
  const window = await stage.cast.operator.get<Window>(`windows/${alert.firstWindow}`);
  if (Date.parse(window.end) > day.end) return undefined;
  stage.tell.station('ALERT', `${alert.title}\n${alert.cause}`);
  const change = turn.days.find(({ drifted }) => drifted);
  const changed = turn.days.filter(({ drifted, end }) => drifted && end <= Date.parse(window.end)).length;
  const when =
    change === undefined || changed === 0
      ? 'before anything changed'
      : `${changed} window${changed === 1 ? '' : 's'} after the world changed`;
  stage.tell.station('', `raised ${when}; the platform waits for labelled rows enough to train again`);
  return alert;
}

/** The retraining that the alert led to, once it has ended; undefined while it waits for labels, and before the day of its start. */
async function retrainingOf(stage: Stage, alert: Alert, day: Day): Promise<Action | undefined> {
  for (;;) {
    goOn(stage);
    const { items } = await stage.cast.operator.get<Page<Action>>('actions', { alert: alert.id });
    const retraining = items.find(({ kind }) => kind === 'retrain');
    if (retraining === undefined || retraining.state === 'waiting') return undefined;
    if (retraining.pipelineRun === undefined) return retraining;
    const { parameters } = await stage.cast.operator.get<PipelineRun>(`pipeline-runs/${retraining.pipelineRun}`);
    if (Date.parse(String(parameters['until'])) > day.start) return undefined;
    if (retraining.endedAt !== undefined) return retraining;
    await waitForPipeline(stage.cast.operator, retraining.pipelineRun, stage.sleep);
  }
}

async function tellRetraining(stage: Stage, retraining: Action): Promise<{ readonly version: ModelVersion; readonly helps: boolean }> {
  const { cast, tell } = stage;
  tell.chapter('The loop closes: retraining on data that include what is new');
  if (retraining.pipelineRun === undefined) throw new GyreError('INTERNAL', `retraining ${retraining.id} names no pipeline run`);
  const run = await cast.operator.get<PipelineRun>(`pipeline-runs/${retraining.pipelineRun}`);
  tell.station('retraining', `${retraining.reason}`);
  tell.station('data', stepOf(run, 'collect').summary ?? '');
  for (const [at, step] of run.steps.filter(({ kind }) => kind === 'training.study').entries())
    tell.station(at === 0 ? 'training' : '', step.summary ?? '');
  const report = await cast.operator.get<TestReport>(`test-reports/${outputOf(stepOf(run, 'evaluate'), 'report')}`);
  tellReport(stage, report);
  tell.station('comparison', retraining.outcome ?? 'no outcome was recorded');
  const id = outputOf(stepOf(run, 'register'), 'modelVersion');
  const version = await cast.operator.get<ModelVersion>(`model-versions/${id}`);
  return { version, helps: report.comparison?.verdict === 'better' && report.passed };
}

/** Frozen champion against what the loop made, on the same rows of days that no training saw. */
export async function compareAfter(
  stage: Stage,
  turn: Turn,
  champion: ModelVersion,
  challenger: ModelVersion,
  firstDay: number,
): Promise<Comparison> {
  const { production } = await environmentNames(stage);
  const after = turn.days.filter(({ number }) => number >= firstDay);
  const [first, last] = [after.at(0), after.at(-1)];
  if (first === undefined || last === undefined)
    throw new GyreError('FAILED_PRECONDITION', 'no day is left after the retraining to compare on');
  return stage.cast.scientist.post<Comparison>('comparisons', {
    champion: champion.id,
    challenger: challenger.id,
    environment: production,
    from: new Date(first.start).toISOString(),
    to: new Date(last.end).toISOString(),
    metric: 'accuracy',
  });
}
