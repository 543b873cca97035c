import type { JSX } from 'preact';
import type { Split, SplitComparison, SplitReport, SplitStrategy } from '#contract';
import { counted, number, percent, shortDigest } from '../lib/format.ts';
import { recordPath } from '../lib/records.ts';
import { useResource } from '../lib/resource.ts';
import { path } from '../lib/router.ts';
import { Card, Facts, Load, Page, RawJson } from '../parts/page.tsx';
import { State, type Tone } from '../parts/state.tsx';
import { Table } from '../parts/table.tsx';
import { DigestText, RecordRef, When } from '../parts/values.tsx';
import { Intervals } from '../charts/bars.tsx';

/** What names a row: the key, or all of its values. */
const namedBy = ({ key }: Split): string => key ?? 'all values of a row';

/** How rows are chosen, in words. */
export function strategyText({ strategy, columns, cell, from, places }: SplitStrategy): string {
  const of = columns.join(', ');
  switch (strategy) {
    case 'random':
      return 'chance';
    case 'stratified':
      return `chance, with the same share of each ${of}`;
    case 'group':
      return `whole groups of ${of}`;
    case 'time':
      return `the course of ${of}${from === undefined ? '' : `, from ${from} on`}`;
    case 'location':
      return places === undefined
        ? `whole places by ${of}${cell === undefined ? '' : `, squares of ${cell}°`}`
        : `${of}: ${places.join(', ')}`;
  }
}

/** The parts of a dataset version, with the shares of the target in each. */
export function SplitPage({ id }: { readonly id: string }): JSX.Element {
  const split = useResource<Split>(`splits/${id}`);
  return (
    <Load of={split} what="This split">
      {(data) => (
        <Page
          kind="Split"
          title={`${data.dataset} by ${data.strategy === undefined ? namedBy(data) : strategyText(data.strategy)}`}
          crumbs={[
            { text: 'Data', href: '/data' },
            { text: `${data.dataset} ${shortDigest(data.version)}`, href: recordPath('dataset_version', data.version) },
          ]}
          truth={
            <p>
              {counted(data.parts.length, 'part')}
              {data.sets === undefined ? '' : ` and ${counted(data.sets.length, 'validation set')}`} by{' '}
              {data.strategy === undefined ? `stable hash of ${namedBy(data)}` : strategyText(data.strategy)};{' '}
              {data.stratification?.message ?? ''} <When at={data.createdAt} />
            </p>
          }
        >
          <div class="cards">
            <SplitCard split={data} />
            <DivisionCard id={data.id} />
            <Card title="Record" wide>
              <Facts
                facts={[
                  ['Salt', <code>{data.salt}</code>],
                  ['Whole version', <RecordRef kind="dataset_version" id={data.version} />],
                ]}
              />
              <RawJson value={data} />
            </Card>
          </div>
        </Page>
      )}
    </Load>
  );
}

/** Parts with their rows, and how the target lies in each. */
export function SplitCard({ split }: { readonly split: Split }): JSX.Element {
  const classes = [...new Set(split.parts.flatMap(({ targetShare }) => Object.keys(targetShare ?? {})))].sort();
  const shown = classes.length === 2 ? classes.slice(1) : classes.slice(0, 4);
  return (
    <Card
      title="Split parts"
      wide
      says={split.stratification?.message}
      aside={path.value === recordPath('split', split.id) ? undefined : <a href={recordPath('split', split.id)}>Is it biased?</a>}
    >
      <Table
        name="parts"
        caption="Parts of the split"
        rows={split.parts}
        rowKey={({ part }) => part}
        href={({ version }) => recordPath('dataset_version', version)}
        columns={[
          {
            key: 'part',
            head: 'Part',
            value: ({ part }) => part,
            cell: (row) => <a href={recordPath('dataset_version', row.version)}>{row.part}</a>,
          },
          { key: 'rows', head: 'Rows', number: true, value: ({ rows }) => rows, cell: ({ rows }) => number(rows, 0) },
          { key: 'fraction', head: 'Wanted', number: true, value: ({ fraction }) => fraction, cell: ({ fraction }) => percent(fraction) },
          {
            key: 'version',
            head: 'Version',
            value: ({ version }) => version,
            cell: ({ version }) => <DigestText digest={version} href={recordPath('dataset_version', version)} />,
          },
        ]}
      />
      {split.sets !== undefined && <SetsTable sets={split.sets} />}
      {shown.map((name) => (
        <div key={name}>
          <h3>
            Share of {split.stratification?.column ?? 'target'} = {name}
          </h3>
          <Intervals
            label={`Share of ${name} by part`}
            rows={split.parts.flatMap(({ part, targetShare }) => {
              const found = targetShare?.[name];
              return found === undefined ? [] : [{ name: part, value: found.share, interval: found.interval, text: percent(found.share) }];
            })}
          />
        </div>
      ))}
    </Card>
  );
}

function SetsTable({ sets }: { readonly sets: NonNullable<Split['sets']> }): JSX.Element {
  return (
    <>
      <h3>Validation sets: rows of none of the parts</h3>
      <Table
        name="sets"
        caption="Validation sets"
        rows={sets}
        rowKey={({ set }) => set}
        href={({ version }) => recordPath('dataset_version', version)}
        columns={[
          {
            key: 'set',
            head: 'Set',
            value: ({ set }) => set,
            cell: (row) => <a href={recordPath('dataset_version', row.version)}>{row.set}</a>,
          },
          { key: 'strategy', head: 'Chosen by', value: ({ strategy }) => strategyText(strategy) },
          { key: 'rows', head: 'Rows', number: true, value: ({ rows }) => rows, cell: ({ rows }) => number(rows, 0) },
          { key: 'share', head: 'Wanted', number: true, value: ({ share }) => share, cell: ({ share }) => percent(share) },
          {
            key: 'version',
            head: 'Version',
            value: ({ version }) => version,
            cell: ({ version }) => <DigestText digest={version} href={recordPath('dataset_version', version)} />,
          },
        ]}
      />
    </>
  );
}

const verdictTones: Readonly<Record<SplitComparison['verdict'], Tone>> = {
  alike: 'good',
  shifted: 'waiting',
  biased: 'bad',
  untested: 'off',
};

/** Whether the division is biased: each part and set beside the first part, and the columns that differ. */
function DivisionCard({ id }: { readonly id: string }): JSX.Element {
  const report = useResource<SplitReport>(`splits/${id}/report`);
  return (
    <Card title="Is the division biased?" wide says={report.data?.message}>
      <Load of={report} what="The report">
        {({ comparisons, alpha }) => (
          <>
            <Table
              name="comparisons"
              caption="Each part and validation set beside the first part"
              rows={comparisons}
              rowKey={({ name }) => name}
              columns={[
                { key: 'name', head: 'Part or set', value: ({ name }) => name },
                { key: 'strategy', head: 'Chosen by', value: ({ strategy }) => strategyText(strategy) },
                {
                  key: 'verdict',
                  head: 'Verdict',
                  value: ({ verdict }) => verdict,
                  cell: ({ verdict }) => <State tone={verdictTones[verdict]}>{verdict}</State>,
                },
                {
                  key: 'tested',
                  head: 'Compared',
                  value: ({ tested }) => tested.here,
                  cell: ({ tested, reference }) =>
                    `${counted(tested.here, tested.unit)} with ${number(tested.reference, 0)} of ${reference.name}`,
                },
                { key: 'why', head: 'Why', value: ({ message }) => message, cell: ({ message }) => <span class="wrap">{message}</span> },
              ]}
            />
            <Differing comparisons={comparisons} alpha={alpha} />
          </>
        )}
      </Load>
    </Card>
  );
}

const statistics = { ks: 'Kolmogorov-Smirnov', chi_squared: 'chi-squared' } as const;
const effects = { wasserstein: 'Wasserstein', jensen_shannon: 'Jensen-Shannon' } as const;

function Differing({ comparisons, alpha }: { readonly comparisons: readonly SplitComparison[]; readonly alpha: number }): JSX.Element {
  const rows = comparisons.flatMap(({ name, columns }) =>
    columns.filter(({ differs, byDesign }) => differs || byDesign).map((column) => ({ name, ...column })),
  );
  if (rows.length === 0) return <p>No column differs anywhere: no corrected p-value is below {alpha}.</p>;
  return (
    <>
      <h3>Columns that differ, at {alpha} after Benjamini and Hochberg</h3>
      <Table
        name="differing"
        caption="Columns that differ"
        rows={rows}
        rowKey={({ name, column }) => `${name}/${column}`}
        columns={[
          { key: 'name', head: 'Part or set', value: ({ name }) => name },
          { key: 'column', head: 'Column', value: ({ column }) => column, cell: ({ column }) => <code>{column}</code> },
          { key: 'test', head: 'Test', value: ({ statistic }) => (statistic === undefined ? '' : statistics[statistic]) },
          {
            key: 'p',
            head: 'Corrected p',
            number: true,
            value: ({ adjusted }) => adjusted ?? undefined,
            cell: ({ adjusted }) => (adjusted === null ? '—' : adjusted < 0.0001 ? '< 0.0001' : number(adjusted, 4)),
          },
          {
            key: 'effect',
            head: 'Distance',
            number: true,
            value: ({ effect }) => effect?.value,
            cell: ({ effect }) => (effect === undefined ? '—' : `${number(effect.value, 3)} ${effects[effect.name]}`),
          },
          {
            key: 'design',
            head: 'By design',
            value: ({ byDesign }) => (byDesign ? 'yes' : 'no'),
            cell: ({ byDesign, note }) => (byDesign ? 'yes' : (note ?? 'no')),
          },
        ]}
      />
    </>
  );
}
