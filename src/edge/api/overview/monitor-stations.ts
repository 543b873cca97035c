import type { Figure, Station, Window } from '#contract';
import type { LoopFacts } from './facts.ts';
import { counted, day, listed } from './words.ts';

export function liveStation({ environments, windows, alerts }: LoopFacts): Station {
  const target = environments.at(-1);
  if (target?.live === undefined) {
    return {
      station: 'live',
      state: 'off',
      title: 'Nothing is live',
      detail: 'No version serves predictions in the last environment.',
      figures: [],
    };
  }
  const newest = windows.at(-1);
  const [alert] = alerts;
  const series = seriesOf(windows);
  const base = {
    station: 'live' as const,
    figures: newest === undefined ? [] : windowFigures(newest),
    ...(series.length === 0 ? {} : { series }),
    ...(newest === undefined ? {} : { record: { kind: 'window' as const, id: newest.id }, at: newest.computedAt }),
  };
  if (!target.ready) {
    return {
      ...base,
      state: 'bad',
      title: `${target.name} does not answer`,
      detail:
        target.agents === undefined
          ? 'Its data plane is not ready: predictions are refused until it is.'
          : `No agent says that it serves what is desired: ${target.agents.waitsFor[0] ?? 'none is enrolled'}.`,
    };
  }
  if (alert !== undefined) {
    return {
      ...base,
      state: alert.kind === 'performance' || alert.kind === 'integrity' ? 'bad' : 'warn',
      title: alert.title,
      detail: alert.cause,
      record: { kind: 'alert', id: alert.id },
      at: alert.raisedAt,
    };
  }
  if (newest === undefined) {
    return {
      ...base,
      state: 'good',
      title: `${target.endpoint} serves in ${target.name}`,
      detail: 'No window has been judged yet.',
      at: target.live.deployedAt,
    };
  }
  const seen = `${counted(newest.rows, 'prediction')}, ${counted(newest.labelled, 'label')} on ${day(newest.start)}`;
  const drifted = newest.driftedColumns;
  return {
    ...base,
    state: 'good',
    title: `${target.endpoint} serves in ${target.name}`,
    detail: drifted.length === 0 ? `${seen}; no column drifted.` : `${seen}; ${listed(drifted)} drifted.`,
  };
}

function windowFigures(window: Window): Figure[] {
  return [
    ...window.performance.map(({ name, value, interval, threshold, met }): Figure => ({
      name,
      value,
      ...(interval === undefined ? {} : { interval }),
      ...(threshold === undefined ? {} : { threshold }),
      ...(met === undefined ? {} : { good: met }),
    })),
    { name: 'drifted_columns', value: window.driftedColumns.length, good: window.driftedColumns.length === 0 },
    { name: 'rows', value: window.rows },
    { name: 'latency_p99', value: window.latency.p99Ms, unit: 'ms' },
  ];
}

type Series = NonNullable<Station['series']>[number];

/** What was judged first, then how much drifted, then the traffic. */
function seriesOf(windows: readonly Window[]): Series[] {
  if (windows.length === 0) return [];
  const starts = windows.map(({ start }) => start);
  const [metric] = [
    ...new Set(
      windows.flatMap(({ performance }) => performance.filter(({ threshold }) => threshold !== undefined).map(({ name }) => name)),
    ),
  ];
  const values = (name: string): (number | null)[] =>
    windows.map(({ performance }) => performance.find((one) => one.name === name)?.value ?? null);
  const threshold = metric === undefined ? undefined : thresholdOf(windows, metric);
  return [
    ...(metric === undefined ? [] : [{ name: metric, values: values(metric), starts, ...(threshold === undefined ? {} : { threshold }) }]),
    { name: 'drifted_columns', values: windows.map(({ driftedColumns }) => driftedColumns.length), starts },
    { name: 'rows', values: windows.map(({ rows }) => rows), starts },
  ];
}

/** The newest window's threshold, as a number: `>= 0.711`. */
function thresholdOf(windows: readonly Window[], metric: string): number | undefined {
  const text = windows.at(-1)?.performance.find(({ name }) => name === metric)?.threshold;
  const found = /-?\d+(\.\d+)?([eE][+-]?\d+)?/.exec(text ?? '');
  return found === null ? undefined : Number(found[0]);
}

const actionWords = { notify: 'People were told', retrain: 'Retraining', roll_back: 'Rollback' } as const;

export function actionStation({ actions }: LoopFacts): Station {
  // What was merely told is no news beside what was done.
  const action = actions.find(({ kind }) => kind !== 'notify') ?? actions.at(0);
  if (action === undefined) {
    return {
      station: 'action',
      state: 'off',
      title: 'No action yet',
      detail: 'No alert and no person has set anything in motion.',
      figures: [],
    };
  }
  const { state, kind } = action;
  const words = {
    waiting: 'waits for labels',
    started: 'is under way',
    succeeded: 'is done',
    failed: 'failed',
    skipped: 'was not needed',
  } as const;
  return {
    station: 'action',
    state: state === 'failed' ? 'bad' : state === 'waiting' || state === 'started' ? 'waiting' : 'good',
    title: kind === 'notify' ? actionWords.notify : `${actionWords[kind]} ${words[state]}`,
    detail: action.outcome ?? action.reason,
    record: { kind: 'action', id: action.id },
    figures: [],
    at: action.endedAt ?? action.startedAt,
  };
}
