import type { AuditVerification, Comparison, ModelVersion, Window } from '#contract';
import { figure } from './narrator.ts';
import type { Day } from './scenario.ts';
import type { Stage } from './stage.ts';
import type { Turn } from './loop-station.ts';
import { windowOf } from './traffic-station.ts';

/** Accuracy over the labelled rows of some days' windows, as the windows have it on record. */
export async function accuracyOver(
  stage: Stage,
  days: readonly Day[],
): Promise<{ readonly accuracy: number; readonly rows: number } | undefined> {
  let right = 0;
  let rows = 0;
  for (const day of days) {
    const window = await windowOf(stage, day);
    const value = window === undefined ? undefined : accuracyOf(window);
    if (window === undefined || value === undefined) continue;
    right += value * window.labelled;
    rows += window.labelled;
  }
  return rows === 0 ? undefined : { accuracy: right / rows, rows };
}

function accuracyOf(window: Window): number | undefined {
  return window.performance.find(({ name }) => name === 'accuracy')?.value ?? undefined;
}

export interface Summary {
  readonly turn: Turn;
  readonly champion: ModelVersion;
  readonly comparison?: Comparison;
  readonly elapsedMs: number;
}

/** What the turn of the loop came to: before, during, after, each figure read back from its record. */
export async function tellSummary(stage: Stage, { turn, champion, comparison, elapsedMs }: Summary): Promise<void> {
  const { tell } = stage;
  const steady = turn.days.filter(({ drifted }) => !drifted);
  const servedFrom = turn.servedFrom ?? Number.POSITIVE_INFINITY;
  const during = turn.days.filter(({ drifted, number }) => drifted && number < servedFrom);
  const after = turn.days.filter(({ number }) => number >= servedFrom);
  tell.chapter('Summary');
  tell.station('before', await spanText(stage, steady, `${champion.model} version ${champion.version}, before the change`));
  tell.station(
    'during',
    await spanText(stage, during, stage.control ? 'after the population shifted' : `version ${champion.version}, after the change`),
  );
  if (turn.servedFrom !== undefined && turn.challenger !== undefined) {
    tell.station('after', await spanText(stage, after, `version ${turn.challenger.version}, retrained, tested, certified, approved`));
  }
  if (comparison !== undefined) tell.station('same rows', comparisonText(comparison));
  if (stage.control) {
    tell.station('verdict', turn.retraining?.outcome ?? 'no threshold was crossed: nothing was retrained');
  }
  const audit = await stage.cast.operator.get<AuditVerification>('audit/verification');
  tell.station('audit', audit.message);
  tell.station('time', `${(elapsedMs / 1000).toFixed(1)} s`);
}

async function spanText(stage: Stage, days: readonly Day[], what: string): Promise<string> {
  const measured = await accuracyOver(stage, days);
  if (measured === undefined) return `${what}: no labelled rows`;
  return `accuracy ${figure(measured.accuracy)} over ${days.length} windows, ${measured.rows} labelled rows (${what})`;
}

function comparisonText({ metric, championValue, challengerValue, difference, interval, rows, verdict }: Comparison): string {
  const sign = difference >= 0 ? '+' : '';
  return `${metric} ${figure(challengerValue)} retrained against ${figure(championValue)} frozen, on the same ${rows} later rows that no training saw: ${sign}${figure(difference)} (95% ${figure(interval.low)} to ${figure(interval.high)}): ${verdict.replace('_', ' ')}`;
}
