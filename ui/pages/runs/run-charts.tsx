import type { JSX } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { RunLinesFigure } from '../../charts/run-lines.tsx';
import { type ChartView, chartViewOf } from '../../lib/chart-view.ts';
import { absoluteTime, duration, number } from '../../lib/format.ts';
import { search, setQuery } from '../../lib/router.ts';
import { cutTo, grouped, inPlaces, linesOf, overMetric, positiveOnly, smoothed, type RunLines } from '../../lib/run-lines.ts';
import type { SeriesAnswer } from '../../lib/tracking-shapes.ts';
import { usePosted } from '../../lib/use-posted.ts';
import { Choice, named } from '../../parts/choice.tsx';
import { Card, Load } from '../../parts/page.tsx';

export interface ChartedRun {
  readonly id: string;
  readonly name: string;
  readonly running: boolean;
  readonly parameters: Readonly<Record<string, unknown>>;
}

const places = 500;
const usualFigures = 4;
const followMs = 5000;
const axes = [
  { value: 'step', text: 'steps' },
  { value: 'time', text: 'time' },
  { value: 'relative', text: 'time since the start' },
];

/** Metrics of runs as lines: one figure for each metric, all of them with the same axis, zoom and smoothing. */
export function RunCharts({ runs, metrics }: { readonly runs: readonly ChartedRun[]; readonly metrics: readonly string[] }): JSX.Element {
  const view = chartViewOf(search.value);
  const shown = view.metrics ?? metrics.slice(0, usualFigures);
  const parameters = [...new Set(runs.flatMap(({ parameters: own }) => Object.keys(own)))].sort();
  return (
    <Card title="Charts" wide aside={<ChartTools view={view} metrics={metrics} parameters={parameters} />}>
      <div class="figures">
        {shown.map((metric) => (
          <MetricFigure key={metric} metric={metric} runs={runs} view={view} onZoom={zoomAll} />
        ))}
      </div>
      <label class="field">
        <span>Add a figure</span>
        <Choice
          value=""
          hint="choose a metric"
          options={named(metrics.filter((name) => !shown.includes(name)))}
          onChoose={(name) => setQuery({ metrics: [...shown, name].map(encodeURIComponent).join(',') })}
        />
      </label>
    </Card>
  );
}

function ChartTools({
  view,
  metrics,
  parameters,
}: {
  readonly view: ChartView;
  readonly metrics: readonly string[];
  readonly parameters: readonly string[];
}): JSX.Element {
  const log = (logX: boolean, logY: boolean): void => setQuery({ log: `${logX ? 'x' : ''}${logY ? 'y' : ''}` });
  return (
    <div class="table-tools">
      <label>
        over{' '}
        <Choice
          value={view.over === undefined ? view.axis : `metric.${view.over}`}
          hint="steps, time or a metric"
          options={[...axes, ...metrics.map((name) => ({ value: `metric.${name}`, text: name }))]}
          onChoose={(x) => setQuery({ x, from: undefined, to: undefined })}
        />
      </label>
      <label>
        smoothing{' '}
        <input
          type="range"
          min={0}
          max={0.99}
          step={0.01}
          value={view.smooth}
          onInput={(event) => setQuery({ smooth: event.currentTarget.value === '0' ? undefined : event.currentTarget.value })}
        />{' '}
        {number(view.smooth, 2)}
      </label>
      <label>
        <input type="checkbox" checked={view.logX} onChange={() => log(!view.logX, view.logY)} /> log x
      </label>
      <label>
        <input type="checkbox" checked={view.logY} onChange={() => log(view.logX, !view.logY)} /> log y
      </label>
      {parameters.length > 0 && (
        <label>
          <span class="visually-hidden">Mean and range by a parameter</span>
          <select value={view.by ?? ''} onChange={(event) => setQuery({ by: event.currentTarget.value })}>
            <option value="">each run</option>
            {parameters.map((name) => (
              <option key={name} value={name}>
                mean by {name}
              </option>
            ))}
          </select>
        </label>
      )}
      {(view.from !== undefined || view.to !== undefined) && (
        <button type="button" class="plain" onClick={() => setQuery({ from: undefined, to: undefined })}>
          Show all
        </button>
      )}
    </div>
  );
}

type Zoom = (range: { readonly from: number; readonly to: number } | undefined) => void;

/** All figures of a page look at the same part of the axis, which stands in the address. */
const zoomAll: Zoom = (range) => setQuery({ from: range?.from.toString(), to: range?.to.toString() });

/** One metric of runs as lines, kept up while runs go on. */
export function MetricFigure({
  metric,
  runs,
  view,
  onZoom,
}: {
  readonly metric: string;
  readonly runs: readonly ChartedRun[];
  readonly view: ChartView;
  readonly onZoom: Zoom;
}): JSX.Element {
  const turn = useTurns(runs.some(({ running }) => running));
  const axis = view.axis === 'metric' ? 'step' : view.axis;
  const range = { ...(view.from === undefined ? {} : { from: view.from }), ...(view.to === undefined ? {} : { to: view.to }) };
  const body = { runs: runs.map(({ id }) => id), axis, buckets: places, ...(view.axis === 'metric' ? {} : range) };
  const over = view.over === undefined ? {} : { over: view.over };
  const answer = usePosted<SeriesAnswer>('runs/series', { ...body, ...over, key: metric }, ['run.finished'], turn);
  return (
    <section class="run-figure" aria-label={metric}>
      <h3>{metric}</h3>
      <Load of={answer} what="The metric">
        {(data) =>
          data.x.length === 0 ? (
            <p class="quiet">None of these runs has this metric.</p>
          ) : (
            <Lines metric={metric} answer={data} runs={runs} view={view} onZoom={onZoom} />
          )
        }
      </Load>
    </section>
  );
}

/** Counts up while something goes on that is to be followed. */
function useTurns(follow: boolean): number {
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    if (!follow) return undefined;
    const timer = setInterval(() => setTurn((count) => count + 1), followMs);
    return () => clearInterval(timer);
  }, [follow]);
  return turn;
}

function Lines({
  metric,
  answer,
  runs,
  view,
  onZoom,
}: {
  readonly metric: string;
  readonly answer: SeriesAnswer;
  readonly runs: readonly ChartedRun[];
  readonly view: ChartView;
  readonly onZoom: Zoom;
}): JSX.Element {
  const { axis, by, smooth, logX, logY } = view;
  const spec = useMemo(() => {
    const read = readOver(answer, view);
    const whole = positiveOnly(read, { x: logX, y: logY });
    const smoothWhole: RunLines = { x: whole.x, lines: whole.lines.map((line) => ({ ...line, values: smoothed(line.values, smooth) })) };
    const parameter = new Map(runs.map(({ id, parameters }) => [id, by === undefined ? '' : String(parameters[by] ?? 'without it')]));
    const drawn = by === undefined ? smoothWhole : grouped(smoothWhole, (run) => parameter.get(run) ?? '');
    const groups = [...new Set(parameter.values())];
    const order = new Map(by === undefined ? runs.map(({ id }, at) => [id, at] as const) : groups.map((value, at) => [value, at] as const));
    return {
      ...drawn,
      ...(smooth > 0 && by === undefined && whole.lines.length <= 30 ? { behind: whole } : {}),
      colours: drawn.lines.map(({ id }) => order.get(id) ?? 0),
      xName: axis === 'metric' ? (view.over ?? '') : axis === 'relative' ? 'milliseconds since the start' : axis,
      isTime: axis === 'time',
      logX: logX && axis !== 'time',
      logY,
      height: 280,
    };
  }, [answer, axis, view.over, view.from, view.to, by, smooth, logX, logY, runs]);
  const names = new Map(runs.map(({ id, name }) => [id, name]));
  return (
    <RunLinesFigure
      spec={spec}
      label={`${metric} of ${spec.lines.length} ${by === undefined ? 'runs' : `groups by ${by}`} over ${spec.xName}`}
      file={`runs-${metric.replaceAll(/\W+/g, '-')}`}
      nameOf={(id) => (by === undefined ? (names.get(id) ?? id) : `${by} ${id}`)}
      xText={(x) =>
        axis === 'time' ? absoluteTime(new Date(x).toISOString()) : axis === 'relative' ? duration(x) : `${spec.xName} ${number(x)}`
      }
      onZoom={onZoom}
    />
  );
}

/** Groups over a metric are brought into so many places: each run stands where it likes there. */
const groupPlaces = 100;

/** The lines on the axis that was chosen, as far as it is looked at. */
function readOver(answer: SeriesAnswer, { axis, by, from, to }: ChartView): RunLines {
  if (axis !== 'metric') return linesOf(answer);
  const lines = cutTo(overMetric(linesOf(answer), answer.over ?? []), from, to);
  return by === undefined ? lines : inPlaces(lines, groupPlaces);
}
