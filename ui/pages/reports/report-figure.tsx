import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Experiment } from '#contract';
import { Scatter } from '../../charts/scatter.tsx';
import { number } from '../../lib/format.ts';
import { recordPath } from '../../lib/records.ts';
import { type ReportChart, readChart, searchOf } from '../../lib/report-chart.ts';
import { type Page as PageOf, useResource } from '../../lib/resource.ts';
import { metricNumber } from '../../lib/run-columns.ts';
import type { RunRow } from '../../lib/tracking-shapes.ts';
import { usePosted } from '../../lib/use-posted.ts';
import { Markdown } from '../../parts/markdown.tsx';
import { Load } from '../../parts/page.tsx';
import { Table } from '../../parts/table.tsx';
import { GroupFigure } from '../runs/group-card.tsx';
import { MetricFigure } from '../runs/run-charts.tsx';

/** A report’s text with its figures. */
export function ReportText({ title, text }: { readonly title: string; readonly text: string }): JSX.Element {
  return (
    <Markdown text={text} label={title} fence={(language, block) => (language === 'chart' ? <ReportFigure text={block} /> : undefined)} />
  );
}

/** A live figure of runs, as its block in the report says; what cannot be read is said. */
export function ReportFigure({ text }: { readonly text: string }): JSX.Element {
  const read = readChart(text);
  if (!read.ok)
    return (
      <div class="failure">
        <p>
          <b>This chart cannot be read.</b> Line {read.line}: {read.message}.
        </p>
      </div>
    );
  return <ReadFigure chart={read.chart} />;
}

function ReadFigure({ chart }: { readonly chart: ReportChart }): JSX.Element {
  const experiments = useResource<PageOf<Experiment>>(chart.experiment === undefined ? undefined : 'experiments?limit=1000', [
    'experiment.',
  ]);
  const named = experiments.data?.items.find(({ id, name }) => id === chart.experiment || name === chart.experiment);
  const isReady = chart.experiment === undefined || named !== undefined;
  const found = usePosted<PageOf<RunRow>>('runs/search', isReady ? searchOf(chart, named?.id) : undefined, ['run.']);
  if (chart.experiment !== undefined && experiments.data !== undefined && named === undefined)
    return (
      <div class="failure">
        <p>
          <b>This chart cannot be drawn.</b> There is no experiment “{chart.experiment}” that you may read.
        </p>
      </div>
    );
  return (
    <Load of={found} what="The runs of the chart">
      {({ items }) => (items.length === 0 ? <p class="quiet">No run meets “{chart.filter}”.</p> : <Drawn chart={chart} rows={items} />)}
    </Load>
  );
}

function Drawn({ chart, rows }: { readonly chart: ReportChart; readonly rows: readonly RunRow[] }): JSX.Element {
  const { kind, metric, by } = chart;
  const [zoom, setZoom] = useState<{ readonly from: number; readonly to: number } | undefined>(undefined);
  const nameOf = ({ id, name }: RunRow): string => name || id.slice(-8);
  const values = rows.flatMap((row) => {
    const value = metricNumber(row.metrics[0]);
    return value === undefined ? [] : [{ row, value, group: row.parameters[0] ?? undefined }];
  });
  if (kind === 'table')
    return (
      <Table
        name={`report-${metric}`}
        caption={`${metric} of runs`}
        rows={values}
        rowKey={({ row }) => row.id}
        columns={[
          {
            key: 'run',
            head: 'Run',
            value: ({ row }) => nameOf(row),
            cell: ({ row }) => <a href={recordPath('run', row.id)}>{nameOf(row)}</a>,
          },
          ...(by === undefined ? [] : [{ key: 'by', head: by, value: ({ group }: (typeof values)[number]) => group }]),
          { key: 'value', head: metric, number: true, value: ({ value }) => value, cell: ({ value }) => number(value) },
        ]}
      />
    );
  if (kind === 'lines') {
    const charted = rows.map((row) => ({
      id: row.id,
      name: nameOf(row),
      running: row.status === 'RUNNING',
      parameters: by === undefined ? {} : { [by]: row.parameters[0] ?? undefined },
    }));
    return <MetricFigure metric={metric} runs={charted} view={{ ...chart.view, from: zoom?.from, to: zoom?.to }} onZoom={setZoom} />;
  }
  if (kind === 'scatter')
    return (
      <Scatter
        xName={by ?? ''}
        yName={metric}
        file={`report-${metric}`}
        runs={values.flatMap(({ row, value, group }) =>
          group === undefined || group === '' || !Number.isFinite(Number(group))
            ? []
            : [{ id: row.id, name: nameOf(row), x: Number(group), y: value }],
        )}
      />
    );
  return (
    <GroupFigure
      values={values.map(({ value, group = 'without it' }) => ({ group, value }))}
      metric={metric}
      by={by ?? ''}
      isBar={kind === 'bar'}
    />
  );
}
