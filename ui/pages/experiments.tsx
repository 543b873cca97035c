import type { JSX } from 'preact';
import type { Experiment, Run, Study } from '#contract';
import { duration, measured, number, plain } from '../lib/format.ts';
import { directionMark, higherIsBetter, metricLabel } from '../lib/metrics.ts';
import { recordPath } from '../lib/records.ts';
import { type Page as PageOf, useResource } from '../lib/resource.ts';
import { lazy } from '../parts/lazy.tsx';
import { Card, Facts, Load, Page, RawJson } from '../parts/page.tsx';
import { WordState } from '../parts/state.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { Metric, RecordRef, When, Who } from '../parts/values.tsx';

/** The metrics of runs that are compared: those of whole models first, at most five. */
function comparedMetrics(runs: readonly Run[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const { metrics } of runs) for (const name of Object.keys(metrics)) counts.set(name, (counts.get(name) ?? 0) + 1);
  const weight = (name: string): number =>
    (/val/.test(name) ? 0 : /train/.test(name) ? 2 : 1) + (/roc_auc|accuracy|rmse|r2/.test(name) ? 0 : 0.5);
  return [...counts.keys()].sort((a, b) => weight(a) - weight(b) || a.localeCompare(b)).slice(0, 5);
}

function metricColumns(runs: readonly Run[]): readonly Column<Run>[] {
  return comparedMetrics(runs).map((name) => ({
    key: name,
    head: `${metricLabel(name)} ${directionMark(name)}`,
    number: true,
    value: ({ metrics }) => metrics[name],
    cell: ({ metrics }) => (metrics[name] === undefined ? '—' : number(metrics[name])),
  }));
}

/** Parameters that differ between the runs: the others say nothing in a comparison. */
function parameterColumns(runs: readonly Run[]): readonly Column<Run>[] {
  const names = [...new Set(runs.flatMap(({ parameters }) => Object.keys(parameters)))];
  return names
    .filter((name) => new Set(runs.map(({ parameters }) => parameters[name])).size > 1)
    .slice(0, 5)
    .map((name) => ({
      key: `p.${name}`,
      head: name,
      number: true,
      value: ({ parameters }) => parameters[name],
      cell: ({ parameters }) => plain(parameters[name]),
    }));
}

/** Runs side by side. */
export function RunTable({
  runs,
  best,
  name = 'runs',
}: {
  readonly runs: readonly Run[];
  readonly best?: string | undefined;
  readonly name?: string;
}): JSX.Element {
  return (
    <Table
      name={name}
      caption="Runs"
      rows={runs}
      rowKey={({ id }) => id}
      href={({ id }) => recordPath('run', id)}
      marked={({ id }) => id === best}
      columns={[
        {
          key: 'name',
          head: 'Run',
          value: (run) => run.name,
          cell: (run) => (
            <>
              <a href={recordPath('run', run.id)}>{run.name === '' ? run.id.slice(-8) : run.name}</a>
              {run.id === best && <span class="tag">best</span>}
            </>
          ),
        },
        { key: 'trainer', head: 'Trainer', value: ({ trainer }) => trainer },
        { key: 'status', head: 'Status', value: ({ status }) => status, cell: ({ status }) => <WordState word={status} /> },
        ...metricColumns(runs),
        ...parameterColumns(runs),
        {
          key: 'took',
          head: 'Took',
          number: true,
          value: ({ startedAt, endedAt }) => (endedAt === undefined ? undefined : Date.parse(endedAt) - Date.parse(startedAt)),
          cell: ({ startedAt, endedAt }) => (endedAt === undefined ? '—' : duration(Date.parse(endedAt) - Date.parse(startedAt))),
        },
        { key: 'by', head: 'By', value: ({ createdBy }) => createdBy.name, cell: ({ createdBy }) => <Who actor={createdBy} /> },
        { key: 'at', head: 'Started', value: ({ startedAt }) => startedAt, cell: ({ startedAt }) => <When at={startedAt} /> },
      ]}
    />
  );
}

const RunsCard = lazy(async () => (await import('./runs/runs-card.tsx')).RunsCard);

/** All experiments, all their runs, and the studies. */
export function ExperimentsPage(): JSX.Element {
  const experiments = useResource<PageOf<Experiment>>('experiments?limit=1000', ['experiment.', 'run.started']);
  const studies = useResource<PageOf<Study>>('studies?limit=100', ['study.']);
  return (
    <Page title="Experiments" truth={<p>Every trial is a run: its parameters, metrics per step, seed, environment and code.</p>}>
      <div class="cards">
        <Card title="Experiments" wide>
          <Load of={experiments} what="The experiments">
            {({ items }) =>
              items.length === 0 ? (
                <p class="quiet">The first run makes the first experiment.</p>
              ) : (
                <Table
                  name="experiments"
                  caption="Experiments"
                  rows={items}
                  rowKey={({ id }) => id}
                  href={({ id }) => recordPath('experiment', id)}
                  columns={[
                    {
                      key: 'name',
                      head: 'Experiment',
                      value: ({ name }) => name,
                      cell: ({ name, id }) => <a href={recordPath('experiment', id)}>{name}</a>,
                    },
                    { key: 'id', head: 'Id', value: ({ id }) => id },
                    { key: 'at', head: 'Since', value: ({ createdAt }) => createdAt, cell: ({ createdAt }) => <When at={createdAt} /> },
                  ]}
                />
              )
            }
          </Load>
        </Card>
        <RunsCard />
        <Card title="Studies" wide>
          <Load of={studies} what="The studies">
            {({ items }) =>
              items.length === 0 ? (
                <p class="quiet">A study is a search over parameters; each trainer step makes one.</p>
              ) : (
                <Table
                  name="studies"
                  caption="Studies"
                  rows={items}
                  rowKey={({ id }) => id}
                  href={({ id }) => recordPath('study', id)}
                  columns={[
                    {
                      key: 'name',
                      head: 'Study',
                      value: ({ name }) => name,
                      cell: ({ name, id }) => <a href={recordPath('study', id)}>{name}</a>,
                    },
                    { key: 'trainer', head: 'Trainer', value: ({ trainer }) => trainer },
                    { key: 'algorithm', head: 'Search', value: ({ algorithm }) => algorithm },
                    { key: 'trials', head: 'Trials', number: true, value: ({ trials }) => trials },
                    {
                      key: 'metric',
                      head: 'Chosen by',
                      value: ({ metric }) => metric,
                      cell: ({ metric, higherIsBetter: higher }) => `${metricLabel(metric)} ${directionMark(metric, higher)}`,
                    },
                    {
                      key: 'best',
                      head: 'Best run',
                      value: ({ bestRun }) => bestRun,
                      cell: ({ bestRun }) => (bestRun === undefined ? '—' : <RecordRef kind="run" id={bestRun} />),
                    },
                    { key: 'at', head: 'Begun', value: ({ createdAt }) => createdAt, cell: ({ createdAt }) => <When at={createdAt} /> },
                  ]}
                />
              )
            }
          </Load>
        </Card>
      </div>
    </Page>
  );
}

/** One search: its trials side by side. */
export function StudyPage({ id }: { readonly id: string }): JSX.Element {
  const study = useResource<Study>(`studies/${id}`, ['study.']);
  const runs = useResource<PageOf<Run>>(`runs?limit=1000&study=${encodeURIComponent(id)}`, ['run.']);
  return (
    <Load of={study} what="This study">
      {(data) => {
        const best = runs.data?.items.find((run) => run.id === data.bestRun);
        const value =
          best?.metrics[data.metric] ?? best?.metrics[`validation_${data.metric}`] ?? best?.metrics[`validation.${data.metric}`];
        return (
          <Page
            kind="Study"
            title={data.name}
            crumbs={[{ text: 'Experiments', href: '/experiments' }]}
            truth={
              <p>
                {data.algorithm} search of {data.trainer}, {data.trials} trials, seed {data.seed}; chosen by {metricLabel(data.metric)}{' '}
                {directionMark(data.metric, higherIsBetter(data.metric) ?? data.higherIsBetter)}
                {value !== undefined && (
                  <>
                    , best <b>{measured(value)}</b>
                  </>
                )}
                ; <When at={data.createdAt} />
              </p>
            }
          >
            <div class="cards">
              <Card title="Trials" wide>
                <Load of={runs} what="The trials">
                  {({ items }) => <RunTable runs={items} best={data.bestRun} />}
                </Load>
              </Card>
              <Card title="Record" wide>
                {best !== undefined && (
                  <Facts
                    facts={[
                      ['Best run', <RecordRef kind="run" id={best.id} />],
                      ...Object.entries(best.metrics).map(([name, one]): readonly [string, JSX.Element] => [
                        name,
                        <Metric name={name} value={one} />,
                      ]),
                    ]}
                  />
                )}
                <RawJson value={data} />
              </Card>
            </div>
          </Page>
        );
      }}
    </Load>
  );
}
