import type { JSX } from 'preact';
import type { BatchPrediction } from '#contract';
import { send } from '../lib/api.ts';
import { counted, duration, number, percent } from '../lib/format.ts';
import { recordPath } from '../lib/records.ts';
import { type Page as PageOf, useResource } from '../lib/resource.ts';
import { useReloadWhile } from '../lib/use-polled.ts';
import { queryValue } from '../lib/router.ts';
import { Action } from '../parts/action.tsx';
import { Card, Empty, Facts, Load, Page } from '../parts/page.tsx';
import { State } from '../parts/state.tsx';
import { Table } from '../parts/table.tsx';
import { Command, DigestText, RecordRef, When, Who } from '../parts/values.tsx';
import { useRequestForm } from './batch-request.tsx';
import { SchedulesCard, SetSchedule } from './batch-schedules.tsx';

const tones = { queued: 'waiting', running: 'waiting', finished: 'good', cancelled: 'off', failed: 'bad' } as const;

const isOpen = ({ state }: BatchPrediction): boolean => state === 'queued' || state === 'running';

/** What it says of itself in words: how far it is, or what came of it. */
function farOf({ state, progress, rows, failed }: BatchPrediction): string {
  if (progress !== undefined) {
    if (progress.of === 0) return 'reading its rows';
    return `${progress.phase}: ${number(progress.rows, 0)} of ${counted(progress.of, 'row')} (${percent(progress.rows / progress.of, 0)})`;
  }
  if (rows === undefined) return state;
  return failed === 0 ? counted(rows, 'row') : `${counted(rows, 'row')}, ${number(failed ?? 0, 0)} without a prediction`;
}

function tookOf({ startedAt, finishedAt }: BatchPrediction): number | undefined {
  return startedAt === undefined || finishedAt === undefined ? undefined : Date.parse(finishedAt) - Date.parse(startedAt);
}

/** Predictions of whole tables: how they go, and what came of them. */
export function BatchPage(): JSX.Element {
  const batches = useResource<PageOf<BatchPrediction>>('batch-predictions', ['batch_prediction.']);
  const anyOpen = batches.data?.items.some(isOpen) === true;
  useReloadWhile(anyOpen, batches.reload);
  const chosen = queryValue('prediction');
  const listed = batches.data?.items.find(({ id }) => id === chosen) ?? batches.data?.items.find(isOpen);
  const asked = useResource<BatchPrediction>(
    chosen !== undefined && chosen !== '' && batches.data !== undefined && listed === undefined
      ? `batch-predictions/${encodeURIComponent(chosen)}`
      : undefined,
    ['batch_prediction.'],
  );
  const shown = listed ?? asked.data;
  return (
    <Page
      title="Batch predictions"
      truth={<p>Whole tables predicted: every row comes out, with its prediction or the reason why it has none.</p>}
      actions={
        <>
          <NewBatch started={batches.reload} />
          <SetSchedule done={batches.reload} />
        </>
      }
    >
      <div class="cards">
        {shown !== undefined && <BatchCard prediction={shown} reload={batches.reload} />}
        <SchedulesCard />
        <Card title="Batch predictions" wide says="Newest first.">
          <Load of={batches} what="The batch predictions">
            {({ items }) =>
              items.length === 0 ? (
                <Empty title="No table was predicted yet.">
                  <Command>gyre predict --model churn --input dataset:customers</Command> does what “Predict a table” does.
                </Empty>
              ) : (
                <Table
                  name="batch-predictions"
                  caption="Batch predictions"
                  rows={items}
                  rowKey={({ id }) => id}
                  href={({ id }) => recordPath('batch_prediction', id)}
                  marked={({ id }) => id === shown?.id}
                  columns={[
                    {
                      key: 'input',
                      head: 'Rows of',
                      value: ({ input }) => input.address,
                      cell: ({ id, input }) => <a href={recordPath('batch_prediction', id)}>{input.address}</a>,
                    },
                    { key: 'model', head: 'Model', value: ({ model }) => `${model.name}/${model.version}` },
                    {
                      key: 'state',
                      head: 'State',
                      value: ({ state }) => state,
                      cell: (one) => <State tone={tones[one.state]}>{isOpen(one) ? farOf(one) : one.state}</State>,
                    },
                    {
                      key: 'rows',
                      head: 'Rows',
                      value: ({ rows }) => rows ?? 0,
                      cell: ({ rows }) => (rows === undefined ? '–' : number(rows, 0)),
                      number: true,
                    },
                    {
                      key: 'failed',
                      head: 'Failed rows',
                      value: ({ failed }) => failed ?? 0,
                      cell: ({ failed }) => (failed === undefined ? '–' : number(failed, 0)),
                      number: true,
                    },
                    {
                      key: 'took',
                      head: 'Took',
                      value: (one) => tookOf(one) ?? 0,
                      cell: (one) => (tookOf(one) === undefined ? '–' : duration(tookOf(one) ?? 0)),
                      number: true,
                    },
                    { key: 'at', head: 'Begun', value: ({ queuedAt }) => queuedAt, cell: ({ queuedAt }) => <When at={queuedAt} /> },
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

function BatchCard({ prediction, reload }: { readonly prediction: BatchPrediction; readonly reload: () => void }): JSX.Element {
  const { id, state, model, input, dataset, output, failures = [], error, queuedAt, by, schedule, reason, request, progress } = prediction;
  const took = tookOf(prediction);
  return (
    <Card title={input.address} wide says={`Predicted by ${model.name}, version ${model.version}`}>
      <Facts
        facts={[
          ['State', <State tone={tones[state]}>{state}</State>],
          ['Rows', farOf(prediction)],
          error === undefined ? undefined : ['Why', error],
          [
            'Model version',
            <RecordRef kind="model_version" id={model.id}>
              {model.name}/{model.version}
            </RecordRef>,
          ],
          input.version === undefined
            ? undefined
            : ['Input', <DigestText digest={input.version} href={recordPath('dataset_version', input.version)} />],
          [
            'Predictions',
            dataset.version === undefined ? (
              dataset.name
            ) : (
              <DigestText digest={dataset.version} href={recordPath('dataset_version', dataset.version)} />
            ),
          ],
          output === undefined ? undefined : ['Also written to', output],
          schedule === undefined ? undefined : ['Schedule', schedule.name],
          reason === undefined ? undefined : ['Because', reason],
          took === undefined ? undefined : ['Took', duration(took)],
          ['Begun', <When at={queuedAt} />],
          ['By', <Who actor={by} />],
        ]}
      />
      {failures.length > 0 && (
        <Table
          name="failures"
          caption="Why rows have no prediction"
          rows={failures}
          rowKey={({ reason }) => reason}
          columns={[
            { key: 'reason', head: 'Why rows have no prediction', value: ({ reason }) => reason },
            { key: 'rows', head: 'Rows', value: ({ rows }) => rows, cell: ({ rows }) => number(rows, 0), number: true },
          ]}
        />
      )}
      {progress !== undefined && progress.of > 0 && (
        <progress value={progress.rows} max={progress.of} aria-label={`How far ${input.address} is`} />
      )}
      {dataset.version !== undefined && (
        <p>
          <a href={`/api/v1/datasets/${dataset.version}/rows.parquet`} download>
            Download as Parquet
          </a>
          ,{' '}
          <a href={`/api/v1/datasets/${dataset.version}/rows.csv`} download>
            as CSV
          </a>
        </p>
      )}
      {!isOpen(prediction) && (
        <div class="actions">
          <Action
            label="Predict again"
            permission="predict"
            explain={
              <p>
                {request.input} is predicted once more with {request.model}, with what these words name now.
              </p>
            }
            act={async () => {
              await send('POST', 'batch-predictions', request);
              reload();
            }}
          />
        </div>
      )}
      {isOpen(prediction) && (
        <div class="actions">
          <Action
            label="Stop"
            permission="predict"
            explain={<p>Nothing of it is published. What it has done so far is thrown away.</p>}
            act={async () => {
              await send('DELETE', `batch-predictions/${encodeURIComponent(id)}`);
              reload();
            }}
          />
        </div>
      )}
    </Card>
  );
}

function NewBatch({ started }: { readonly started: () => void }): JSX.Element {
  const { fields, request } = useRequestForm({});
  return (
    <Action
      label="Predict a table"
      permission="predict"
      primary
      explain={fields}
      act={async () => {
        await send('POST', 'batch-predictions', request());
        started();
      }}
    />
  );
}
