import type { JSX } from 'preact';
import type { DatasetIngestion, Schedule } from '#contract';
import { send } from '../lib/api.ts';
import { bytes, counted, duration, number, percent } from '../lib/format.ts';
import { datasetPath, recordPath } from '../lib/records.ts';
import { ingestions as heard } from '../lib/live.ts';
import { type Page as PageOf, useResource } from '../lib/resource.ts';
import { Action } from '../parts/action.tsx';
import { Card, Empty, Load, Page } from '../parts/page.tsx';
import { State, WordState } from '../parts/state.tsx';
import { Table } from '../parts/table.tsx';
import { IngestCard } from './ingest-card.tsx';
import { Command, DigestText, RecordRef, When, Who } from '../parts/values.tsx';

/** Where rows come from: what is read now, what is read by the clock, what was read and what came of it. */
export function SourcesPage(): JSX.Element {
  const ingestions = useResource<PageOf<DatasetIngestion>>('dataset-ingestions?limit=200', ['dataset_ingestion.']);
  const schedules = useResource<PageOf<Schedule>>('schedules', ['pipeline_run.', 'schedule.']);
  const running = (ingestions.data?.items ?? [])
    .map((item) => heard.value.get(item.id) ?? item)
    .filter(({ progress }) => progress !== undefined);
  return (
    <Page
      title="Sources"
      crumbs={[{ text: 'Data', href: '/data' }]}
      truth={<p>Each reading of a source leaves a record: what was there, and which version it became.</p>}
    >
      <div class="cards">
        <RunningCard running={running} />
        <IngestCard running={running} />
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
                <Empty title="Nothing was ingested yet.">
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

/** What is ingested now, and how far it is; nothing while nothing is. */
function RunningCard({ running }: { readonly running: readonly DatasetIngestion[] }): JSX.Element | null {
  if (running.length === 0) return null;
  return (
    <Card title="Running now" wide>
      {running.map((ingestion) => (
        <RunningIngestion key={ingestion.id} ingestion={ingestion} />
      ))}
    </Card>
  );
}

function RunningIngestion({ ingestion: { id, dataset, progress, startedAt } }: { readonly ingestion: DatasetIngestion }): JSX.Element {
  const { phase, done = 0, total, decoded } = progress ?? { phase: 'reading' };
  return (
    <div class="running">
      <p>
        <b>{dataset}</b> {phase === 'judging' && 'is recorded; its quality is being judged'}
        {phase === 'reading' && total === undefined && 'is being read'}
        {phase === 'reading' && total !== undefined && (
          <>
            {number(done, 0)} of {counted(total, 'file')} ({percent(done / Math.max(1, total), 0)})
            {decoded !== undefined && <>, {number(decoded, 0)} decoded</>}
          </>
        )}
        ; begun <When at={startedAt} />
      </p>
      <progress
        {...(phase === 'reading' && total !== undefined ? { value: done, max: Math.max(1, total) } : {})}
        aria-label={`How far ${dataset} is`}
      />
      {phase === 'reading' && (
        <Action
          label="Stop"
          permission="build"
          explain={<p>“{dataset}” is not read on. What was read is not read again when it is ingested once more.</p>}
          act={async () => {
            await send('DELETE', `dataset-ingestions/${encodeURIComponent(id)}`);
          }}
        />
      )}
    </div>
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

const outcomes = { new: 'good', unchanged: 'off', failed: 'bad', cancelled: 'off' } as const;

function imageWords({ decoded, unreadable, missing, links }: NonNullable<DatasetIngestion['images']>): string {
  return [
    `${number(decoded, 0)} decoded`,
    ...(unreadable > 0 ? [`${number(unreadable, 0)} without pixels`] : []),
    ...(missing > 0 ? [`${number(missing, 0)} named by the labels and not there`] : []),
    ...(links > 0 ? [counted(links, 'link that is not followed', 'links that are not followed')] : []),
  ].join(', ');
}

const tookMs = ({ startedAt, finishedAt = startedAt }: DatasetIngestion): number => Date.parse(finishedAt) - Date.parse(startedAt);

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
          cell: ({ outcome }) =>
            outcome === undefined ? <State tone="waiting">running</State> : <State tone={outcomes[outcome]}>{outcome}</State>,
        },
        {
          key: 'from',
          head: 'From',
          value: ({ address }) => address,
          cell: ({ address, kind, outcome, query, dialect, watermark, images, kept, violations, error }) => (
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
              {kept !== undefined && <span class="quiet"> kept in the workspace’s cache, not copied</span>}
              {images !== undefined && <span class="quiet"> {imageWords(images)}</span>}
              {violations !== undefined && <span class="tone-bad"> against the schema: {violations.join('; ')}</span>}
              {error !== undefined && <span class={outcome === 'cancelled' ? 'quiet' : 'tone-bad'}> {error}</span>}
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
          value: tookMs,
          cell: (ingestion) => (ingestion.finishedAt === undefined ? '—' : duration(tookMs(ingestion))),
        },
        { key: 'when', head: 'When', value: ({ startedAt }) => startedAt, cell: ({ startedAt }) => <When at={startedAt} /> },
        { key: 'by', head: 'By', value: ({ by }) => by.name, cell: ({ by }) => <Who actor={by} /> },
      ]}
    />
  );
}
