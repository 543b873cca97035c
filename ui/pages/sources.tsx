import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import type { DatasetIngestion, Schedule } from '#contract';
import { send } from '../lib/api.ts';
import { bytes, counted, duration, number, percent } from '../lib/format.ts';
import { datasetPath, recordPath } from '../lib/records.ts';
import { type Page as PageOf, type Resource, useResource } from '../lib/resource.ts';
import type { RunningIngest } from '../lib/shapes.ts';
import { Action } from '../parts/action.tsx';
import { Card, Empty, Load, Page } from '../parts/page.tsx';
import { State, WordState } from '../parts/state.tsx';
import { Table } from '../parts/table.tsx';
import { Command, DigestText, RecordRef, When, Who } from '../parts/values.tsx';

/** Where rows come from: what is read now, what is read by the clock, what was read and what came of it. */
export function SourcesPage(): JSX.Element {
  const ingestions = useResource<PageOf<DatasetIngestion>>('dataset-ingestions?limit=200', ['dataset.']);
  const schedules = useResource<PageOf<Schedule>>('schedules', ['pipeline_run.', 'schedule.']);
  return (
    <Page
      title="Sources"
      crumbs={[{ text: 'Data', href: '/data' }]}
      truth={<p>Each reading of a source leaves a record: what was there, and which version it became.</p>}
    >
      <div class="cards">
        <RunningCard />
        <Card title="Schedules" wide says="Datasets that are ingested by the clock.">
          <Load of={schedules} what="The schedules">
            {({ items }) =>
              items.length === 0 ? (
                <Empty title="No dataset has a schedule.">
                  Under <code>data</code> in gyre.yaml, <code>schedule: "0 6 * * *"</code> ingests a dataset every day at six.
                </Empty>
              ) : (
                <Schedules items={items} reload={schedules.reload} />
              )
            }
          </Load>
        </Card>
        <Card title="Ingestions" wide says="The newest come first.">
          <Load of={ingestions} what="The ingestions">
            {({ items, next }) =>
              items.length === 0 ? (
                <Empty title="No table was ingested yet.">
                  <Command>gyre data add</Command> with a dataset of gyre.yaml reads its source.
                </Empty>
              ) : (
                <>
                  <Ingestions items={items} />
                  {next !== undefined && <p class="quiet">The newest {items.length} are shown.</p>}
                </>
              )
            }
          </Load>
        </Card>
      </div>
    </Page>
  );
}

const pollMs = 1000;

/** Images that are read now, and how far it is; nothing while none are. */
function RunningCard(): JSX.Element | null {
  const running: Resource<PageOf<RunningIngest>> = useResource('dataset-ingests', ['dataset.']);
  useEffect(() => {
    const timer = setInterval(running.reload, pollMs);
    return () => clearInterval(timer);
  }, [running.reload]);
  const items = running.data?.items ?? [];
  if (items.length === 0) return null;
  return (
    <Card title="Running now" wide>
      {items.map(({ dataset, done, total, decoded, startedAt }) => (
        <div key={dataset} class="running">
          <p>
            <b>{dataset}</b> {number(done, 0)} of {counted(total, 'image')} ({percent(done / Math.max(1, total), 0)}), {number(decoded, 0)}{' '}
            decoded; begun <When at={startedAt} />
          </p>
          <progress value={done} max={Math.max(1, total)} aria-label={`Images of ${dataset} that are done`} />
        </div>
      ))}
    </Card>
  );
}

function Schedules({ items, reload }: { readonly items: readonly Schedule[]; readonly reload: () => void }): JSX.Element {
  const ask = (name: string, what: 'pause' | 'resume' | 'run') => async (): Promise<void> => {
    await send('POST', `schedules/${encodeURIComponent(name)}/${what}`);
    reload();
  };
  return (
    <Table
      name="schedules"
      caption="Schedules"
      rows={items}
      rowKey={({ name }) => name}
      columns={[
        { key: 'name', head: 'Dataset', value: ({ name }) => name, cell: ({ name }) => <a href={datasetPath(name)}>{name}</a> },
        {
          key: 'cron',
          head: 'When',
          value: ({ cron }) => cron,
          cell: ({ cron, timezone, run }) => (
            <>
              <code>{cron}</code> {timezone}
              <span class="tag">{run}</span>
            </>
          ),
        },
        {
          key: 'next',
          head: 'Next',
          value: ({ nextDue }) => nextDue,
          cell: ({ paused, nextDue }) => (paused ? <State tone="off">paused</State> : <When at={nextDue} absolute />),
        },
        {
          key: 'last',
          head: 'Last run',
          value: ({ lastDue }) => lastDue,
          cell: ({ lastRun, lastState, lastDue, missed, error }) => (
            <>
              {error !== undefined && <State tone="bad">{error}</State>}
              {lastState !== undefined && <WordState word={lastState} />}{' '}
              {lastRun !== undefined && <RecordRef kind="pipeline_run" id={lastRun} />}{' '}
              {lastDue === undefined ? <span class="quiet">never</span> : <When at={lastDue} />}
              {missed !== undefined && missed > 0 && <span class="quiet">, for {counted(missed, 'missed one')} too</span>}
            </>
          ),
        },
        {
          key: 'do',
          head: 'Do',
          value: () => undefined,
          cell: ({ name, paused }) => (
            <div class="row-actions">
              <Action
                label="Run now"
                permission="build"
                explain={<p>Ingests “{name}” out of turn, as a pipeline run.</p>}
                act={ask(name, 'run')}
              />
              <Action
                label={paused ? 'Resume' : 'Pause'}
                permission="build"
                explain={
                  paused ? (
                    <p>“{name}” goes on with its next instant; what would have been due meanwhile is not made up for.</p>
                  ) : (
                    <p>“{name}” is not ingested by the clock until it is resumed.</p>
                  )
                }
                act={ask(name, paused ? 'resume' : 'pause')}
              />
            </div>
          ),
        },
      ]}
    />
  );
}

const outcomes = { new: 'good', unchanged: 'off', failed: 'bad' } as const;

function Ingestions({ items }: { readonly items: readonly DatasetIngestion[] }): JSX.Element {
  return (
    <Table
      name="ingestions"
      caption="Ingestions"
      rows={items}
      rowKey={({ id }) => id}
      href={({ version }) => (version === undefined ? undefined : recordPath('dataset_version', version))}
      columns={[
        {
          key: 'dataset',
          head: 'Dataset',
          value: ({ dataset }) => dataset,
          cell: ({ dataset }) => <a href={datasetPath(dataset)}>{dataset}</a>,
        },
        {
          key: 'outcome',
          head: 'Outcome',
          value: ({ outcome }) => outcome,
          cell: ({ outcome }) => <State tone={outcomes[outcome]}>{outcome}</State>,
        },
        {
          key: 'from',
          head: 'From',
          value: ({ address }) => address,
          cell: ({ address, kind, query, dialect, watermark, error }) => (
            <span class="prose">
              {address}
              <span class="tag">{kind}</span>
              {query !== undefined && <code>{query}</code>}
              {dialect !== undefined && (
                <span class="quiet">
                  {' '}
                  fields by <code>{dialect.delimiter === '\t' ? 'tab' : dialect.delimiter}</code>, lines end in {dialect.lineEnds}
                </span>
              )}
              {watermark !== undefined && (
                <span class="quiet">
                  {' '}
                  {watermark.column} {watermark.from === undefined ? 'up' : `beyond ${watermark.from}`} to {watermark.to ?? '—'}
                </span>
              )}
              {error !== undefined && <span class="tone-bad"> {error}</span>}
            </span>
          ),
        },
        {
          key: 'rows',
          head: 'Rows',
          number: true,
          value: ({ rows }) => rows,
          cell: ({ rows, newRows }) =>
            rows === undefined
              ? '—'
              : `${number(rows, 0)}${newRows === undefined || newRows === rows ? '' : ` (${number(newRows, 0)} read)`}`,
        },
        {
          key: 'found',
          head: 'Found',
          number: true,
          value: ({ found }) => found.size,
          cell: ({ found }) =>
            [found.size === undefined ? '' : bytes(found.size), found.files === undefined ? '' : counted(found.files, 'file')]
              .filter((part) => part !== '')
              .join(', ') || '—',
        },
        {
          key: 'version',
          head: 'Version',
          value: ({ version }) => version,
          cell: ({ version }) =>
            version === undefined ? '—' : <DigestText digest={version} href={recordPath('dataset_version', version)} />,
        },
        {
          key: 'took',
          head: 'Took',
          number: true,
          value: ({ startedAt, finishedAt }) => Date.parse(finishedAt) - Date.parse(startedAt),
          cell: ({ startedAt, finishedAt }) => duration(Date.parse(finishedAt) - Date.parse(startedAt)),
        },
        { key: 'when', head: 'When', value: ({ startedAt }) => startedAt, cell: ({ startedAt }) => <When at={startedAt} /> },
        { key: 'by', head: 'By', value: ({ by }) => by.name, cell: ({ by }) => <Who actor={by} /> },
      ]}
    />
  );
}
