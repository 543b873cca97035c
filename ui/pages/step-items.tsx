import type { JSX } from 'preact';
import type { PipelineRun, StepItem } from '#contract';
import { bytes } from '../lib/format.ts';
import { recordPath } from '../lib/records.ts';
import { type Page as PageOf, useResource } from '../lib/resource.ts';
import { queryValue, setQuery } from '../lib/router.ts';
import { Card, Load, Page } from '../parts/page.tsx';
import { WordState } from '../parts/state.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { DigestText, When } from '../parts/values.tsx';

const states = ['failed', 'succeeded', 'cached', 'removed'] as const;

/** What a step that works by file or by group did with each of its items: from which files to which. */
export function StepItemsPage({ run, step }: { readonly run: string; readonly step: string }): JSX.Element {
  const state = queryValue('state');
  const after = queryValue('after');
  const record = useResource<PipelineRun>(`pipeline-runs/${run}`);
  const query = new URLSearchParams({
    limit: '1000',
    ...(state === undefined ? {} : { state }),
    ...(after === undefined ? {} : { after }),
  });
  const items = useResource<PageOf<StepItem>>(`pipeline-runs/${run}/steps/${encodeURIComponent(step)}/items?${query.toString()}`, [
    'step_run.',
  ]);
  const summary = record.data?.steps.find((one) => one.step === step)?.summary;
  return (
    <Page
      kind="Items of step"
      title={step}
      crumbs={[
        { text: 'Pipelines', href: '/pipelines' },
        { text: record.data?.pipeline ?? 'run', href: recordPath('pipeline_run', run) },
      ]}
      truth={summary === undefined ? undefined : <p>{summary}</p>}
    >
      <div class="cards">
        <Card
          title="Items"
          wide
          says="Each output with the files that it was made from. An item that was not touched since an earlier run is cached."
          aside={<StateChips chosen={state} />}
        >
          <Load of={items} what="The items">
            {(page) => (
              <>
                <ItemTable items={page.items} />
                {page.next !== undefined && (
                  <p>
                    <button type="button" onClick={() => setQuery({ after: String(page.next) })}>
                      Show the next {page.items.length}
                    </button>
                  </p>
                )}
              </>
            )}
          </Load>
        </Card>
      </div>
    </Page>
  );
}

function StateChips({ chosen }: { readonly chosen: string | undefined }): JSX.Element {
  return (
    <span class="chips" role="group" aria-label="State">
      {states.map((state) => (
        <button
          key={state}
          type="button"
          class="chip"
          aria-pressed={chosen === state}
          onClick={() => setQuery({ state: chosen === state ? undefined : state, after: undefined })}
        >
          {state}
        </button>
      ))}
    </span>
  );
}

const whatWentWrong: Column<StepItem> = {
  key: 'error',
  head: 'What went wrong',
  value: ({ error }) => error,
  cell: ({ error, log }) =>
    error === undefined ? (
      '—'
    ) : (
      <span class="prose tone-bad">
        {error}
        {log.length > 0 && <code class="last-lines">{log.join('\n')}</code>}
      </span>
    ),
};

function ItemTable({ items }: { readonly items: readonly StepItem[] }): JSX.Element {
  if (items.length === 0) return <p class="quiet">No item is in this state.</p>;
  return (
    <Table
      name="items"
      caption="Items of the step"
      rows={items}
      rowKey={({ item }) => item}
      columns={[
        { key: 'item', head: 'Item', value: ({ item }) => item, cell: ({ item }) => <b>{item}</b> },
        { key: 'state', head: 'State', value: ({ state }) => state, cell: ({ state }) => <WordState word={state} /> },
        ...(items.some(({ error }) => error !== undefined) ? [whatWentWrong] : []),
        {
          key: 'inputs',
          head: 'From',
          value: ({ inputs }) => inputs.map(({ path }) => path).join(' '),
          cell: ({ inputs }) => <Files files={inputs} />,
        },
        {
          key: 'outputs',
          head: 'To',
          value: ({ outputs }) => outputs.map(({ path }) => path).join(' '),
          cell: ({ outputs }) => <Files files={outputs} />,
        },
        { key: 'tries', head: 'Tries', number: true, value: ({ tries }) => tries },
        { key: 'at', head: 'When', value: ({ endedAt }) => endedAt, cell: ({ endedAt }) => <When at={endedAt} /> },
      ]}
    />
  );
}

const filesShown = 3;

function Files({ files }: { readonly files: StepItem['inputs'] }): JSX.Element {
  if (files.length === 0) return <span class="quiet">none</span>;
  return (
    <ul class="files">
      {files.slice(0, filesShown).map(({ path, size, sha256 }) => (
        <li key={path}>
          {path} <span class="quiet">{bytes(size)}</span> <DigestText digest={sha256} />
        </li>
      ))}
      {files.length > filesShown && <li class="quiet">and {files.length - filesShown} more</li>}
    </ul>
  );
}
