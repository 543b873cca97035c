import type { JSX } from 'preact';
import type { Run } from '#contract';
import { ParallelCoordinates } from '../../charts/parallel.tsx';
import { Scatter } from '../../charts/scatter.tsx';
import { percent } from '../../lib/format.ts';
import { importances } from '../../lib/importance.ts';
import { queryValue, setQuery } from '../../lib/router.ts';
import { Choice, named } from '../../parts/choice.tsx';
import { Card } from '../../parts/page.tsx';
import { Table } from '../../parts/table.tsx';

const mostAxes = 7;

/** What went along with a metric: importance of parameters, runs through their parameters, one parameter against the metric. */
export function ParameterCard({
  runs,
  metrics,
}: {
  readonly runs: readonly Run[];
  readonly metrics: readonly string[];
}): JSX.Element | null {
  const asked = queryValue('result');
  const metric = asked !== undefined && metrics.includes(asked) ? asked : metrics[0];
  if (metric === undefined || runs.length < 2) return null;
  const scored = runs.flatMap((run) =>
    run.metrics[metric] === undefined ? [] : [{ run, parameters: run.parameters, value: run.metrics[metric] }],
  );
  const found = importances(scored);
  const differing = [...new Set(runs.flatMap(({ parameters }) => Object.keys(parameters)))].filter(
    (name) => new Set(runs.map(({ parameters }) => parameters[name])).size > 1,
  );
  const axes = [...new Set([...found.map(({ parameter }) => parameter), ...differing])].slice(0, mostAxes);
  const numeric = axes.filter((name) => scored.every(({ parameters }) => parameters[name] === undefined || isNumber(parameters[name])));
  const chosen = queryValue('against');
  const against = chosen !== undefined && numeric.includes(chosen) ? chosen : numeric[0];
  if (axes.length === 0) return null;
  return (
    <Card
      title="Parameters and a metric"
      wide
      says="What went along with the metric in these runs; that it is the cause is not said."
      aside={
        <label>
          <span class="visually-hidden">Metric</span>
          <Choice value={metric} hint="a metric" options={named(metrics)} onChoose={(result) => setQuery({ result })} />
        </label>
      }
    >
      <div class="figures">
        <section class="run-figure" aria-label="Runs through their parameters">
          <ParallelCoordinates
            axes={[...axes, metric]}
            file="runs-parallel"
            runs={scored.map(({ run, parameters, value }) => ({
              id: run.id,
              name: run.name,
              values: [...axes.map((name) => plainValue(parameters[name])), value],
            }))}
          />
        </section>
        {against !== undefined && (
          <section class="run-figure" aria-label="One parameter against the metric">
            <label>
              <span class="visually-hidden">Parameter</span>
              <Choice value={against} hint="a parameter" options={named(numeric)} onChoose={(name) => setQuery({ against: name })} />
            </label>
            <Scatter
              xName={against}
              yName={metric}
              file="runs-scatter"
              runs={scored.flatMap(({ run, parameters, value }) =>
                parameters[against] === undefined ? [] : [{ id: run.id, name: run.name, x: Number(parameters[against]), y: value }],
              )}
            />
          </section>
        )}
      </div>
      {found.length > 0 && (
        <Table
          name="importance"
          caption={`Importance of parameters for ${metric}`}
          rows={found}
          rowKey={({ parameter }) => parameter}
          columns={[
            { key: 'parameter', head: 'Parameter', value: ({ parameter }) => parameter },
            {
              key: 'strength',
              head: 'Goes along',
              number: true,
              value: ({ strength }) => strength,
              cell: ({ strength }) => <Share share={strength} />,
            },
            {
              key: 'direction',
              head: 'The metric',
              value: ({ direction }) => direction,
              cell: ({ direction }) => (direction === undefined ? 'differs by word' : `${direction} with it`),
            },
          ]}
        />
      )}
    </Card>
  );
}

function Share({ share }: { readonly share: number }): JSX.Element {
  return (
    <span class="importance">
      <i style={{ width: `${Math.round(share * 120)}px` }} /> {percent(share, 0)}
    </span>
  );
}

const isNumber = (value: unknown): boolean => value !== '' && Number.isFinite(Number(value));

function plainValue(value: Run['parameters'][string] | undefined): number | string | undefined {
  if (value === undefined) return undefined;
  return isNumber(value) ? Number(value) : String(value);
}
