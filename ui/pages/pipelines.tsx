import type { JSX } from 'preact';
import type { PipelineRun, StepRun } from '#contract';
import { duration } from '../lib/format.ts';
import { send } from '../lib/api.ts';
import { progress } from '../lib/live.ts';
import { isRecordKind, recordPath } from '../lib/records.ts';
import { navigate } from '../lib/router.ts';
import { type Page as PageOf, useResource } from '../lib/resource.ts';
import { Action } from '../parts/action.tsx';
import { Card, Empty, Facts, Load, Page, RawJson } from '../parts/page.tsx';
import { WordState } from '../parts/state.tsx';
import { Table } from '../parts/table.tsx';
import { Command, RecordRef, When, Who } from '../parts/values.tsx';

const kinds = ['pipeline_run.', 'step_run.'];

function lasted(from: string | undefined, to: string | undefined): number | undefined {
  return from === undefined || to === undefined ? undefined : Date.parse(to) - Date.parse(from);
}

/** Pipeline runs, newest first. */
export function PipelinesPage(): JSX.Element {
  const list = useResource<PageOf<PipelineRun>>('pipeline-runs?limit=200', kinds);
  return (
    <Page
      title="Pipelines"
      truth={<p>A run takes the project through its steps; a step whose inputs did not change is taken from the cache.</p>}
      actions={
        <Action
          label="Run the pipeline"
          permission="build"
          explain={
            <p>
              Every step of gyre.yaml, from the data to a registered version. Steps whose inputs did not change are taken from the cache.
            </p>
          }
          statement={{ label: 'Reason', hint: 'Why now? It is kept with the run.' }}
          primary
          act={async (reason) => {
            const run = await send<PipelineRun>('POST', 'pipeline-runs', { reason });
            navigate(recordPath('pipeline_run', run.id));
          }}
        />
      }
    >
      <Load of={list} what="The pipeline runs">
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No pipeline run yet.">
              <Command>gyre run</Command> starts the first one.
            </Empty>
          ) : (
            <Table
              name="pipelines"
              caption="Pipeline runs"
              rows={items}
              rowKey={({ id }) => id}
              href={({ id }) => recordPath('pipeline_run', id)}
              columns={[
                {
                  key: 'pipeline',
                  head: 'Pipeline',
                  value: ({ pipeline }) => pipeline,
                  cell: ({ pipeline, id }) => <a href={recordPath('pipeline_run', id)}>{pipeline}</a>,
                },
                { key: 'state', head: 'State', value: ({ state }) => state, cell: ({ state }) => <WordState word={state} /> },
                { key: 'steps', head: 'Steps', value: ({ steps }) => steps.length, cell: ({ steps }) => stepCounts(steps) },
                { key: 'reason', head: 'Reason', value: ({ reason }) => reason },
                {
                  key: 'took',
                  head: 'Took',
                  number: true,
                  value: (run) => lasted(run.createdAt, run.endedAt),
                  cell: (run) => took(run.createdAt, run.endedAt),
                },
                { key: 'by', head: 'By', value: ({ createdBy }) => createdBy.name, cell: ({ createdBy }) => <Who actor={createdBy} /> },
                { key: 'at', head: 'Started', value: ({ createdAt }) => createdAt, cell: ({ createdAt }) => <When at={createdAt} /> },
              ]}
            />
          )
        }
      </Load>
    </Page>
  );
}

function took(from: string | undefined, to: string | undefined): string {
  const ms = lasted(from, to);
  return ms === undefined ? '—' : duration(ms);
}

/** `9 done, 3 of them cached`. */
function stepCounts(steps: readonly StepRun[]): string {
  const done = steps.filter(({ state }) => state === 'succeeded' || state === 'cached').length;
  const cached = steps.filter(({ state }) => state === 'cached').length;
  return `${done} of ${steps.length} done${cached > 0 ? `, ${cached} cached` : ''}`;
}

/** One run: its steps with states, summaries and times, as they go. */
export function PipelineRunPage({ id }: { readonly id: string }): JSX.Element {
  const run = useResource<PipelineRun>(`pipeline-runs/${id}`, kinds);
  return (
    <Load of={run} what="This pipeline run">
      {(data) => {
        const failed = data.steps.find(({ state }) => state === 'failed');
        const over = data.state !== 'running' && data.state !== 'waiting';
        return (
          <Page
            kind="Pipeline run"
            title={data.pipeline}
            crumbs={[{ text: 'Pipelines', href: '/pipelines' }]}
            truth={
              <>
                <p>
                  <WordState word={data.state} /> {stepCounts(data.steps)}
                  {data.endedAt !== undefined && ` in ${took(data.createdAt, data.endedAt)}`}; started <When at={data.createdAt} /> by{' '}
                  <Who actor={data.createdBy} />: {data.reason}
                </p>
                {failed !== undefined && (
                  <p class="tone-bad">
                    {failed.step}: {failed.error}
                  </p>
                )}
              </>
            }
            actions={
              over ? undefined : (
                <Action
                  label="Cancel"
                  permission="build"
                  explain={
                    <p>
                      Steps that are done keep their records; the others do not start. The run can be started again and goes on from the
                      cache.
                    </p>
                  }
                  act={() => send('POST', `pipeline-runs/${encodeURIComponent(id)}/cancel`)}
                />
              )
            }
          >
            <div class="cards">
              <Card title="Steps" wide>
                <ol class="steps">
                  {data.steps.map((step) => (
                    <StepLine key={step.id} step={step} run={data} />
                  ))}
                </ol>
              </Card>
              <Card title="Record" wide>
                <Facts
                  facts={[
                    ['Id', <code>{data.id}</code>],
                    ['Reason', data.reason],
                  ]}
                />
                <RawJson value={data} />
              </Card>
            </div>
          </Page>
        );
      }}
    </Load>
  );
}

function StepLine({ step, run }: { readonly step: StepRun; readonly run: PipelineRun }): JSX.Element {
  const now = step.state === 'running' ? progress.value.get(`${run.id} ${step.step}`) : undefined;
  const start = Date.parse(run.createdAt);
  const whole = Math.max(
    1,
    Date.parse(run.endedAt ?? run.steps.findLast(({ endedAt }) => endedAt !== undefined)?.endedAt ?? run.createdAt) - start,
  );
  const ms = lasted(step.startedAt, step.endedAt);
  const left = step.startedAt === undefined ? 0 : Math.min(100, (100 * (Date.parse(step.startedAt) - start)) / whole);
  return (
    <li class="step">
      <WordState word={step.state} />
      <div class="step-main">
        <div>
          <b>{step.step}</b> <span class="quiet">{step.kind}</span>
          {step.attempt > 1 && <span class="tag">attempt {step.attempt}</span>}
        </div>
        {step.summary !== undefined && <div>{step.summary}</div>}
        {step.error !== undefined && <div class="tone-bad">{step.error}</div>}
        {now !== undefined && (
          <div class="progress">
            {now.total > 0 ? <progress value={now.done} max={now.total} aria-label={`Progress of ${step.step}`} /> : undefined}
            <span>
              {now.total > 0 ? `${now.done} of ${now.total}: ` : ''}
              {now.message}
            </span>
          </div>
        )}
        <div class="step-outputs">
          {step.kind === 'command.items' && step.state !== 'waiting' && step.state !== 'skipped' && (
            <a href={`${recordPath('pipeline_run', run.id)}/${encodeURIComponent(step.step)}`}>items, each with what it was made from</a>
          )}
          {Object.entries(step.outputs ?? {})
            .slice(0, 8)
            .map(([name, value]) => (
              <Output key={name} name={name} value={value} />
            ))}
        </div>
      </div>
      <div class="step-time">
        <span>{ms === undefined ? '' : duration(ms)}</span>
        <span class="gantt" aria-hidden="true">
          <i style={{ left: `${left}%`, width: `${Math.max(1, Math.min(100 - left, (100 * (ms ?? 0)) / whole))}%` }} />
        </span>
      </div>
    </li>
  );
}

const outputKinds: Readonly<Record<string, string>> = {
  version: 'dataset_version',
  report: 'test_report',
  transform: 'transform',
  run: 'run',
  study: 'study',
  split: 'split',
  modelVersion: 'model_version',
};

function Output({ name, value }: { readonly name: string; readonly value: unknown }): JSX.Element | null {
  if (typeof value !== 'string' || value.length < 20) return null;
  const kind = name.startsWith('part.') ? 'dataset_version' : outputKinds[name];
  if (kind === undefined || !isRecordKind(kind)) return null;
  return (
    <span>
      <span class="quiet">{name}</span> <RecordRef kind={kind} id={value} />
    </span>
  );
}
