import type { JSX } from 'preact';
import type { Run } from '#contract';
import { send } from '../../lib/api.ts';
import { number } from '../../lib/format.ts';
import { recordPath } from '../../lib/records.ts';
import { type Resource, useResource } from '../../lib/resource.ts';
import { metricNumber } from '../../lib/run-columns.ts';
import type { LoggedRun, RunRow } from '../../lib/tracking-shapes.ts';
import { usePosted } from '../../lib/use-posted.ts';
import { Action } from '../../parts/action.tsx';
import { Markdown } from '../../parts/markdown.tsx';
import { Card, Facts, Load } from '../../parts/page.tsx';
import { WordState } from '../../parts/state.tsx';
import { Table } from '../../parts/table.tsx';
import { When } from '../../parts/values.tsx';
import { CheckoutCard } from './checkout-card.tsx';
import { CloneAction } from './clone-action.tsx';
import { comparePath } from './compare-path.ts';
import { LogCard } from './log-card.tsx';
import { ModelsCard } from './models-card.tsx';
import { ownId } from './own-id.ts';

const noteTag = 'mlflow.note.content';
const systemPrefix = 'system/';
const mostChildren = 100;

/** What was logged to a run, kept up while it goes on. */
export function useLogged(run: string): Resource<LoggedRun> {
  return useResource<LoggedRun>(`runs/${encodeURIComponent(run)}/logged`, ['run.']);
}

/** What can be done with a run: named, tagged, deleted or restored. */
export function LoggedActions({ run }: { readonly run: Run }): JSX.Element {
  const logged = useLogged(run.id);
  const alter = async (body: object): Promise<void> => {
    await send('POST', 'runs/change', { runs: [run.id], ...body });
    logged.reload();
  };
  const isDeleted = logged.data?.lifecycle === 'deleted';
  return (
    <>
      <a class="button" href={comparePath([run.id])}>
        Charts
      </a>
      <CloneAction run={run} />
      <Action
        label="Describe"
        permission="log"
        missing={isDeleted ? ['restore it first'] : []}
        explain={<p>A description in Markdown.</p>}
        statement={{ label: 'Description', hint: 'what was tried, and what came of it', initial: run.tags[noteTag] ?? '' }}
        act={(text) => alter({ tags: { [noteTag]: text } })}
      />
      {isDeleted ? (
        <Action
          label="Restore"
          permission="log"
          explain={<p>Brings this run back among the active ones.</p>}
          act={() => alter({ lifecycle: 'active' })}
        />
      ) : (
        <Action
          label="Delete"
          permission="log"
          explain={<p>Deletes this run. It can be restored until garbage is collected.</p>}
          act={() => alter({ lifecycle: 'deleted' })}
        />
      )}
    </>
  );
}

/** Description, metrics with their ranges, datasets, tags, runs below, and how it is had again. */
export function LoggedCards({ run }: { readonly run: Run }): JSX.Element {
  const logged = useLogged(run.id);
  return (
    <Load of={logged} what="What was logged">
      {(data) => (
        <>
          {data.lifecycle === 'deleted' && (
            <Card title="Deleted" wide>
              <p class="tone-warn">This run is deleted: it is in no table of active runs, and can be restored.</p>
            </Card>
          )}
          <Note text={run.tags[noteTag]} />
          <MetricTable title="Metrics, last and range" metrics={data.metrics.filter(({ key }) => !key.startsWith(systemPrefix))} />
          <MetricTable title="System metrics" metrics={data.metrics.filter(({ key }) => key.startsWith(systemPrefix))} />
          <Datasets datasets={data.datasets} />
          <ModelsCard run={run} />
          <Family run={run} publicId={data.publicId} />
          <Tags tags={run.tags} />
          <CheckoutCard run={run} />
          <LogCard run={run} />
        </>
      )}
    </Load>
  );
}

function Note({ text }: { readonly text: string | undefined }): JSX.Element | null {
  if (text === undefined || text.trim() === '') return null;
  return (
    <Card title="Description" wide>
      <Markdown text={text} label="Description" />
    </Card>
  );
}

function MetricTable({ title, metrics }: { readonly title: string; readonly metrics: LoggedRun['metrics'] }): JSX.Element | null {
  if (metrics.length === 0) return null;
  const shown = (value: number | undefined): string => (value === undefined ? '—' : number(value));
  return (
    <Card title={title}>
      <Table
        name={title.startsWith('System') ? 'system' : 'ranges'}
        caption={title}
        rows={metrics}
        rowKey={({ key }) => key}
        columns={[
          { key: 'key', head: 'Metric', value: ({ key }) => key },
          {
            key: 'value',
            head: 'Last',
            number: true,
            value: ({ value }) => metricNumber(value),
            cell: ({ value }) => shown(metricNumber(value)),
          },
          { key: 'min', head: 'Min', number: true, value: ({ min }) => min, cell: ({ min }) => shown(min) },
          { key: 'max', head: 'Max', number: true, value: ({ max }) => max, cell: ({ max }) => shown(max) },
          { key: 'step', head: 'Step', number: true, value: ({ step }) => step, cell: ({ step }) => number(step, 0) },
          {
            key: 'count',
            head: 'Values',
            number: true,
            value: ({ count }) => count,
            cell: ({ count }) => (count === undefined ? '—' : number(count, 0)),
          },
        ]}
      />
    </Card>
  );
}

function Datasets({ datasets }: { readonly datasets: LoggedRun['datasets'] }): JSX.Element | null {
  if (datasets.length === 0) return null;
  return (
    <Card title="Datasets">
      <Table
        name="datasets"
        caption="Datasets that were used"
        rows={datasets}
        rowKey={({ name, digest }) => `${name} ${digest}`}
        columns={[
          { key: 'name', head: 'Dataset', value: ({ name }) => name },
          { key: 'context', head: 'For', value: ({ context }) => context },
          { key: 'digest', head: 'Digest', value: ({ digest }) => digest, cell: ({ digest }) => <code>{digest.slice(0, 12)}</code> },
          { key: 'source', head: 'Source', value: ({ source }) => source },
        ]}
      />
    </Card>
  );
}

/** The run that this one belongs to, or was cloned from, and those that belong to it, or were cloned from it. */
function Family({ run, publicId }: { readonly run: Run; readonly publicId: string }): JSX.Element | null {
  const parent = run.tags['mlflow.parentRunId'];
  const source = run.tags['gyre.cloned_from'];
  const childrenOf = (tag: string): object => ({ filter: `tags.\`${tag}\` = '${publicId}'`, limit: mostChildren });
  const children = usePosted<Rows>('runs/search', childrenOf('mlflow.parentRunId'), ['run.']).data?.items ?? [];
  const clones = usePosted<Rows>('runs/search', childrenOf('gyre.cloned_from'), ['run.']).data?.items ?? [];
  const all = [source, parent].filter((id) => id !== undefined).map(ownId);
  if (all.length === 0 && children.length === 0 && clones.length === 0) return null;
  const compared = [run.id, ...all, ...children.map(({ id }) => id), ...clones.map(({ id }) => id)].slice(0, 100);
  return (
    <Card title="Parent and child runs" aside={<a href={comparePath(compared)}>Compare them</a>}>
      {parent !== undefined && (
        <p>
          Part of <a href={recordPath('run', ownId(parent))}>{parent.slice(0, 12)}</a>.
        </p>
      )}
      {source !== undefined && (
        <p>
          Cloned from <a href={recordPath('run', ownId(source))}>{source.slice(0, 12)}</a>:{' '}
          <a href={comparePath([ownId(source), run.id])}>what is different</a>.
        </p>
      )}
      <RelatedRuns name="children" caption="Child runs" items={children} />
      <RelatedRuns name="clones" caption="Clones" items={clones} />
    </Card>
  );
}

interface Rows {
  readonly items: readonly RunRow[];
}

function RelatedRuns(props: { readonly name: string; readonly caption: string; readonly items: readonly RunRow[] }): JSX.Element | null {
  if (props.items.length === 0) return null;
  return (
    <>
      <h3>{props.caption}</h3>
      <Table
        name={props.name}
        caption={props.caption}
        rows={props.items}
        rowKey={({ id }) => id}
        href={({ id }) => recordPath('run', id)}
        columns={[
          { key: 'name', head: 'Run', value: ({ name }) => name, cell: ({ id, name }) => <a href={recordPath('run', id)}>{name}</a> },
          { key: 'status', head: 'Status', value: ({ status }) => status, cell: ({ status }) => <WordState word={status} /> },
          { key: 'at', head: 'Started', value: ({ startedAt }) => startedAt, cell: ({ startedAt }) => <When at={startedAt} /> },
        ]}
      />
    </>
  );
}

function Tags({ tags }: { readonly tags: Run['tags'] }): JSX.Element | null {
  const shown = Object.entries(tags).filter(([key]) => key !== noteTag);
  if (shown.length === 0) return null;
  return (
    <Card title="Tags">
      <Facts facts={shown.map(([key, value]) => [key, value] as const)} />
    </Card>
  );
}
