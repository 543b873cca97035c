import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { BatchPrediction, RegisteredModel } from '#contract';
import { send } from '../lib/api.ts';
import { counted, duration, number, percent } from '../lib/format.ts';
import { recordPath } from '../lib/records.ts';
import { type Page as PageOf, useResource } from '../lib/resource.ts';
import { queryValue } from '../lib/router.ts';
import { Action } from '../parts/action.tsx';
import { Card, Empty, Facts, Load, Page } from '../parts/page.tsx';
import { State } from '../parts/state.tsx';
import { Table } from '../parts/table.tsx';
import { Command, DigestText, RecordRef, When, Who } from '../parts/values.tsx';

const tones = { queued: 'waiting', running: 'waiting', finished: 'good', cancelled: 'off', failed: 'bad' } as const;
const followMs = 1000;

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
  useEffect(() => {
    if (!anyOpen) return undefined;
    const timer = setInterval(batches.reload, followMs);
    return () => clearInterval(timer);
  }, [anyOpen, batches.reload]);
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
      actions={<NewBatch started={batches.reload} />}
    >
      <div class="cards">
        {shown !== undefined && <BatchCard prediction={shown} reload={batches.reload} />}
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
  const { id, state, model, input, dataset, output, failures = [], error, queuedAt, by } = prediction;
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
      {isOpen(prediction) && (
        <div class="actions">
          <Action
            label="Stop"
            permission="build"
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
  const models = useResource<PageOf<RegisteredModel>>('models', ['registered_model.', 'model_version.']);
  const [model, setModel] = useState('');
  const [input, setInput] = useState('');
  const [output, setOutput] = useState('');
  const [dataset, setDataset] = useState('');
  const [replace, setReplace] = useState(false);
  const [ids, setIds] = useState(false);
  return (
    <Action
      label="Predict a table"
      permission="build"
      primary
      explain={
        <>
          <label class="field">
            <span>Model: a name, name/3, name@champion, or environment:production for what is live there</span>
            <input list="batch-models" value={model} onInput={(event) => setModel(event.currentTarget.value)} autocomplete="off" required />
            <datalist id="batch-models">
              {models.data?.items.map(({ name }) => (
                <option key={name} value={name} />
              ))}
            </datalist>
          </label>
          <label class="field">
            <span>Rows: dataset:NAME, a file in the project’s folder, https://… or s3://…</span>
            <input value={input} onInput={(event) => setInput(event.currentTarget.value)} autocomplete="off" required />
          </label>
          <label class="field">
            <span>Dataset that the predictions become a version of; left empty: the model’s name with -predictions</span>
            <input value={dataset} onInput={(event) => setDataset(event.currentTarget.value)} autocomplete="off" />
          </label>
          <label class="field">
            <span>Write them also to: FILE.parquet, .csv, .jsonl or FOLDER/ in the project’s folder, or s3://…</span>
            <input value={output} onInput={(event) => setOutput(event.currentTarget.value)} autocomplete="off" />
          </label>
          <label class="check">
            <input type="checkbox" checked={replace} onChange={(event) => setReplace(event.currentTarget.checked)} /> replace what is there,
            when the new one is whole
          </label>
          <label class="check">
            <input type="checkbox" checked={ids} onChange={(event) => setIds(event.currentTarget.checked)} /> a prediction id for each row
          </label>
        </>
      }
      act={async () => {
        await send('POST', 'batch-predictions', {
          model: model.trim(),
          input: input.trim(),
          ...(dataset.trim() === '' ? {} : { dataset: dataset.trim() }),
          ...(output.trim() === '' ? {} : { output: output.trim() }),
          ...(replace ? { existing: 'replace' } : {}),
          ...(ids ? { ids } : {}),
        });
        started();
      }}
    />
  );
}
