import type { JSX } from 'preact';
import type { CiCheck, CiMetric, CiReport, CiRun } from '#contract';
import { LineChart } from '../charts/line.tsx';
import { duration, number } from '../lib/format.ts';
import { recordPath, versionPath } from '../lib/records.ts';
import { type Page as PageOf, useResource } from '../lib/resource.ts';
import { Card, Empty, Facts, Load, Page, RawJson } from '../parts/page.tsx';
import { State, WordState } from '../parts/state.tsx';
import { Table } from '../parts/table.tsx';
import { Command, When, Who } from '../parts/values.tsx';

const kinds = ['ci_run.'];
const shortCommit = ({ commit, dirty }: Pick<CiRun, 'commit' | 'dirty'>): string =>
  commit === undefined ? 'the project’s folder' : `${commit.slice(0, 12)}${dirty ? ', changed' : ''}`;
const failedOf = (report: CiReport | undefined): readonly CiCheck[] => report?.checks.filter(({ verdict }) => verdict === 'failed') ?? [];
const figure = (value: number | null | undefined): string => (value === null || value === undefined ? '—' : number(value, 4));

/** Commits that were checked, newest first. */
export function CiRunsPage(): JSX.Element {
  const list = useResource<PageOf<CiRun>>('ci-runs?limit=200', kinds);
  return (
    <Page
      title="Commits"
      truth={<p>Each commit that was checked: its pipeline run, its gates, and how it compares with the run of the base branch.</p>}
    >
      <Load of={list} what="The commits">
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No commit was checked yet.">
              <Command>gyre ci</Command> checks the one that is checked out; <Command>gyre cd init github</Command> has each one checked.
            </Empty>
          ) : (
            <Table
              name="ci"
              caption="Commits that were checked"
              rows={items}
              rowKey={({ id }) => id}
              href={({ id }) => recordPath('ci_run', id)}
              columns={[
                {
                  key: 'commit',
                  head: 'Commit',
                  value: shortCommit,
                  cell: (run) => <a href={recordPath('ci_run', run.id)}>{shortCommit(run)}</a>,
                },
                { key: 'branch', head: 'Branch', value: ({ branch }) => branch ?? '—' },
                { key: 'state', head: 'Verdict', value: ({ state }) => state, cell: ({ state }) => <WordState word={state} /> },
                { key: 'failed', head: 'What failed', value: failedWords, cell: (run) => <span class="wrap">{failedWords(run)}</span> },
                { key: 'version', head: 'Model version', value: versionWords },
                { key: 'by', head: 'By', value: ({ createdBy }) => createdBy.name, cell: ({ createdBy }) => <Who actor={createdBy} /> },
                { key: 'at', head: 'Began', value: ({ createdAt }) => createdAt, cell: ({ createdAt }) => <When at={createdAt} /> },
              ]}
            />
          )
        }
      </Load>
    </Page>
  );
}

function failedWords({ report, problem }: CiRun): string {
  if (problem !== undefined) return problem;
  const [first, ...more] = failedOf(report);
  return first === undefined ? '' : `${first.name}${more.length === 0 ? '' : ` and ${more.length} more`}`;
}

function versionWords({ report }: CiRun): string {
  const version = report?.modelVersion;
  return version === undefined ? '—' : `${version.model} ${version.version}`;
}

/** One commit: its verdict first, then what failed, then how it compares. */
export function CiRunPage({ id }: { readonly id: string }): JSX.Element {
  const run = useResource<CiRun>(`ci-runs/${encodeURIComponent(id)}`, [...kinds, 'pipeline_run.']);
  return (
    <Load of={run} what="The commit">
      {(data) => (
        <Page title={`Commit ${shortCommit(data)}`} truth={<p>{data.report?.base.says ?? data.problem ?? 'It is still being checked.'}</p>}>
          <div class="cards">
            <VerdictCard run={data} />
            {data.report !== undefined && <ReportCards report={data.report} />}
          </div>
        </Page>
      )}
    </Load>
  );
}

function VerdictCard({ run }: { readonly run: CiRun }): JSX.Element {
  const { state, branch, baseBranch, pipelineRun, report, problem, createdBy, createdAt, endedAt } = run;
  const version = report?.modelVersion;
  const base = report?.base;
  return (
    <Card title="Verdict" says={problem}>
      <Facts
        facts={[
          ['Verdict', <WordState word={state} />],
          branch === undefined ? undefined : ['Branch', branch],
          baseBranch === undefined ? undefined : ['Compared with', base?.commit === undefined ? baseBranch : `${baseBranch} at ${base.commit.slice(0, 12)}`], // prettier-ignore
          pipelineRun === undefined ? undefined : ['Pipeline run', <a href={recordPath('pipeline_run', pipelineRun)}>its steps</a>],
          report?.testReport === undefined ? undefined : ['Test report', <a href={recordPath('test_report', report.testReport)}>of this commit</a>], // prettier-ignore
          base?.testReport === undefined ? undefined : ['Test report of the base', <a href={recordPath('test_report', base.testReport)}>what it is compared with</a>], // prettier-ignore
          version === undefined ? undefined : ['Model version', <a href={versionPath(version)}>{`${version.model} ${version.version}`}</a>],
          ['Checked by', <Who actor={createdBy} />],
          ['Began', <When at={createdAt} />],
          endedAt === undefined ? undefined : ['Took', duration(Date.parse(endedAt) - Date.parse(createdAt))],
        ]}
      />
      <RawJson value={run} />
    </Card>
  );
}

function ReportCards({ report }: { readonly report: CiReport }): JSX.Element {
  const { checks, metrics, slices, data, parameters, curve, rows } = report;
  const changed = data.filter(({ changes, version, baseVersion }) => changes.length > 0 || (baseVersion ?? version) !== version);
  return (
    <>
      {metrics.length > 0 && (
        <Card title="Metrics" wide says={`On ${number(rows ?? 0, 0)} rows that no training saw.`}>
          <Table
            name="ci-metrics"
            caption="Metrics beside those of the base"
            rows={metrics}
            rowKey={({ name }) => name}
            filterable={false}
            columns={metricColumns}
          />{' '}
          {/* prettier-ignore */}
        </Card>
      )}
      <Card title="Checks" wide says={`${failedOf(report).length} of ${checks.length} failed.`}>
        <Table
          name="ci-checks"
          caption="Every check"
          rows={[...checks].sort((one, other) => Number(other.verdict === 'failed') - Number(one.verdict === 'failed'))}
          rowKey={({ part, name }) => `${part} ${name}`}
          columns={[
            { key: 'part', head: 'Part', value: ({ part }) => part },
            { key: 'name', head: 'Check', value: ({ name }) => name },
            {
              key: 'verdict',
              head: 'Verdict',
              value: ({ verdict }) => verdict,
              cell: ({ verdict }) => <WordState word={verdict.replace('_', ' ')} />,
            },
            { key: 'message', head: 'Found', value: ({ message }) => message, cell: ({ message }) => <span class="wrap">{message}</span> },
          ]}
        />
      </Card>
      {curve !== undefined && (
        <Card title="ROC curve" says="True positive rate by false positive rate.">
          <LineChart
            label="ROC curves of this commit and of the base"
            file="roc"
            spec={{
              x: curve.here.map((_, at) => (100 * at) / (curve.here.length - 1)),
              time: false,
              xName: 'false positive rate in percent',
              xText: (x) => `${number(x, 0)} % of the others`,
              series: [
                { name: 'this commit', colour: 1, values: [...curve.here] },
                ...(curve.base === undefined ? [] : [{ name: 'base', colour: 2 as const, values: [...curve.base] }]),
              ],
              unit: 'true positive rate',
              text: (value) => number(value, 3),
              height: 220,
              fromZero: true,
            }}
          />
        </Card>
      )}
      {slices.length > 0 && (
        <Card title="Groups that got worse">
          <Table
            name="ci-slices"
            caption="Groups that got worse"
            rows={slices}
            rowKey={({ column, value }) => `${column} ${value}`}
            filterable={false}
            columns={[
              { key: 'group', head: 'Group', value: ({ column, value }) => `${column} = ${value}` },
              { key: 'rows', head: 'Rows', number: true, value: (slice) => slice.rows },
              { key: 'metric', head: 'Metric', value: ({ metric }) => metric },
              { key: 'base', head: 'Base', number: true, value: ({ base }) => base, cell: ({ base }) => figure(base) },
              { key: 'here', head: 'This commit', number: true, value: ({ here }) => here, cell: ({ here }) => figure(here) },
            ]}
          />
        </Card>
      )}
      {changed.map(({ dataset, version, changes, rows: count, baseRows }) => (
        <Card
          key={dataset}
          title={`Data: ${dataset}`}
          says={`${number(count, 0)} rows${baseRows === undefined ? '' : `, ${number(baseRows, 0)} in the base`}.`}
        >
          {' '}
          {/* prettier-ignore */}
          <ul>
            {changes.map((change) => (
              <li key={change}>{change}</li>
            ))}
          </ul>
          <a href={recordPath('dataset_version', version)}>the version</a>
        </Card>
      ))}
      {parameters.length > 0 && (
        <Card title="Parameters that differ">
          <Facts
            facts={parameters.map(({ name, base, here }) => [name, `${base === '' ? 'none' : base} → ${here === '' ? 'none' : here}`])}
          />
        </Card>
      )}
    </>
  );
}

const metricColumns = [
  { key: 'metric', head: 'Metric', value: ({ name }: CiMetric) => name },
  { key: 'base', head: 'Base', number: true, value: ({ base }: CiMetric) => base, cell: ({ base }: CiMetric) => figure(base) },
  { key: 'here', head: 'This commit', number: true, value: ({ here }: CiMetric) => here, cell: ({ here }: CiMetric) => figure(here) },
  {
    key: 'difference',
    head: 'Difference',
    number: true,
    value: ({ difference }: CiMetric) => difference,
    cell: ({ difference }: CiMetric) => figure(difference),
  },
  {
    key: 'chance',
    head: 'Beyond chance',
    value: ({ verdict }: CiMetric) => verdict ?? '',
    cell: ({ verdict }: CiMetric) =>
      verdict === undefined ? <span>—</span> : verdict === 'no_evidence' ? <span>no</span> : <State tone={verdict === 'better' ? 'good' : 'bad'}>{verdict}</State>, // prettier-ignore
  },
  { key: 'allowed', head: 'May worsen by', number: true, value: ({ mayWorsen }: CiMetric) => mayWorsen },
];
