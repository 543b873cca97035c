import type { JSX } from 'preact';
import type { QualityTrend } from '#contract';
import { LineChart, type LineSeries } from '../charts/line.tsx';
import { absoluteTime, counted, number, shortDigest } from '../lib/format.ts';
import { recordPath } from '../lib/records.ts';
import { useResource } from '../lib/resource.ts';
import { Card, Load } from '../parts/page.tsx';
import { Table } from '../parts/table.tsx';
import { DigestText, When } from '../parts/values.tsx';
import { OutcomeState } from './quality-card.tsx';

type Point = QualityTrend['points'][number];

const colours = [1, 2, 3, 4, 5, 6] as const;

/** How the five marks went from version to version, and which checks fell or rose. */
export function QualityTrendCard({ dataset }: { readonly dataset: string }): JSX.Element {
  const trend = useResource<QualityTrend>(`quality-trend?dataset=${encodeURIComponent(dataset)}`, ['quality_report.']);
  return (
    <Card title="Quality over versions" wide says="The newest report of each version, the oldest version first.">
      <Load of={trend} what="The trend">
        {({ points }) => (points.length === 0 ? <p class="quiet">No version was judged yet.</p> : <Trend points={points} />)}
      </Load>
    </Card>
  );
}

function Trend({ points }: { readonly points: readonly Point[] }): JSX.Element {
  const newest = points.at(-1);
  const names = newest?.scores.map(({ name }) => name) ?? [];
  const series = names.map((name, index): LineSeries => ({
    name,
    colour: colours[index % colours.length] ?? 1,
    values: points.map(({ scores }) => scores.find((score) => score.name === name)?.score ?? null),
  }));
  return (
    <>
      {points.length > 1 && (
        <LineChart
          label={`Five marks over ${counted(points.length, 'version')}`}
          file="quality-over-versions"
          spec={{
            x: points.map((_, index) => index + 1),
            time: false,
            xName: 'version',
            xText: (x) => {
              const point = points[x - 1];
              return point === undefined ? '' : `${shortDigest(point.version)}, ${absoluteTime(point.createdAt)}`;
            },
            series,
            unit: 'score',
            text: (value) => number(value, 3),
            height: 220,
          }}
        />
      )}
      <Table
        name="trend"
        caption="Quality of each version"
        rows={points.toReversed()}
        rowKey={({ report }) => report}
        href={({ version }) => recordPath('dataset_version', version)}
        columns={[
          {
            key: 'version',
            head: 'Version',
            value: ({ version }) => version,
            cell: ({ version }) => <DigestText digest={version} href={recordPath('dataset_version', version)} />,
          },
          { key: 'outcome', head: 'Outcome', value: ({ outcome }) => outcome, cell: ({ outcome }) => <OutcomeState outcome={outcome} /> },
          { key: 'rows', head: 'Rows', number: true, value: ({ rows }) => rows, cell: ({ rows }) => number(rows, 0) },
          ...names.map((name) => ({
            key: name,
            head: name,
            number: true,
            value: ({ scores }: Point) => scores.find((score) => score.name === name)?.score ?? null,
            cell: ({ scores }: Point) => {
              const score = scores.find((one) => one.name === name)?.score ?? null;
              return score === null ? '—' : number(score, 3);
            },
          })),
          {
            key: 'checks',
            head: 'Checks that warn or fail',
            value: ({ checks }) => checks.length,
            cell: ({ checks }) => {
              const bad = checks.filter(({ outcome }) => outcome === 'warn' || outcome === 'fail');
              return bad.length === 0 ? (
                <span class="quiet">none</span>
              ) : (
                <span class="prose">{bad.map(({ name }) => name).join(', ')}</span>
              );
            },
          },
          { key: 'at', head: 'Judged', value: ({ createdAt }) => createdAt, cell: ({ createdAt }) => <When at={createdAt} /> },
        ]}
      />
    </>
  );
}
