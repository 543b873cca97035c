import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { RecordImport, StartImport } from '#contract';
import { send } from '../lib/api.ts';
import { number } from '../lib/format.ts';
import { type Page as PageOf, useResource } from '../lib/resource.ts';
import { queryValue } from '../lib/router.ts';
import { Action } from '../parts/action.tsx';
import { Card, Empty, Facts, Load, Page } from '../parts/page.tsx';
import { State } from '../parts/state.tsx';
import { Table } from '../parts/table.tsx';
import { Command, When, Who } from '../parts/values.tsx';

type Kind = StartImport['kind'];

const kinds: readonly { readonly kind: Kind; readonly name: string; readonly source: string }[] = [
  { kind: 'mlflow', name: 'MLflow', source: 'its address, an mlruns folder, a database file, or postgresql://…' },
  { kind: 'tensorboard', name: 'TensorBoard', source: 'the folder of event files' },
  { kind: 'wandb', name: 'Weights & Biases', source: 'a project’s folder, its wandb folder, or the folder of one run' },
  { kind: 'dvclive', name: 'DVCLive', source: 'a folder that DVCLive wrote to, or one above it' },
];
const tones = { running: 'waiting', finished: 'good', cancelled: 'off', failed: 'bad', interrupted: 'warn' } as const;
const followMs = 1000;

const nameOf = (kind: Kind): string => kinds.find((one) => one.kind === kind)?.name ?? kind;
const placeOf = ({ id }: RecordImport): string => `/imports?import=${encodeURIComponent(id)}`;
const refusedOf = ({ counts }: RecordImport): number => Object.values(counts).reduce((sum, { refused }) => sum + refused, 0);

/** What was brought in of other tools' records, and how that goes. */
export function ImportsPage(): JSX.Element {
  const imports = useResource<PageOf<RecordImport>>('imports', ['import.']);
  const isRunning = imports.data?.items.some(({ state }) => state === 'running') === true;
  useEffect(() => {
    if (!isRunning) return undefined;
    const timer = setInterval(imports.reload, followMs);
    return () => clearInterval(timer);
  }, [isRunning, imports.reload]);
  const chosen = queryValue('import');
  const shown = imports.data?.items.find(({ id }) => id === chosen) ?? imports.data?.items.find(({ state }) => state === 'running');
  return (
    <Page
      title="Imports"
      crumbs={[{ text: 'Experiments', href: '/experiments' }]}
      truth={
        <p>
          Records of other tools are brought in whole and counted; an import that is begun again goes on where it ended, and doubles
          nothing.
        </p>
      }
      actions={<NewImport started={imports.reload} />}
    >
      <div class="cards">
        {shown !== undefined && <ImportCard record={shown} reload={imports.reload} />}
        <Card title="Imports" wide says="Newest first.">
          <Load of={imports} what="The imports">
            {({ items }) =>
              items.length === 0 ? (
                <Empty title="Nothing was brought in yet.">
                  <Command>gyre import mlflow SOURCE</Command> does what “New import” does.
                </Empty>
              ) : (
                <Table
                  name="imports"
                  caption="Imports"
                  rows={items}
                  rowKey={({ id }) => id}
                  href={placeOf}
                  marked={({ id }) => id === shown?.id}
                  columns={[
                    {
                      key: 'source',
                      head: 'From',
                      value: ({ source }) => source,
                      cell: (record) => <a href={placeOf(record)}>{record.source}</a>,
                    },
                    { key: 'kind', head: 'Of', value: ({ kind }) => nameOf(kind) },
                    {
                      key: 'state',
                      head: 'State',
                      value: ({ state }) => state,
                      cell: ({ state }) => <State tone={tones[state]}>{state}</State>,
                    },
                    { key: 'runs', head: 'Runs', value: ({ counts }) => counts['runs']?.read ?? 0, number: true },
                    { key: 'points', head: 'Points', value: ({ counts }) => counts['points']?.read ?? 0, number: true },
                    { key: 'refused', head: 'Refused', value: refusedOf, number: true },
                    { key: 'at', head: 'Begun', value: ({ startedAt }) => startedAt, cell: ({ startedAt }) => <When at={startedAt} /> },
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

function ImportCard({ record, reload }: { readonly record: RecordImport; readonly reload: () => void }): JSX.Element {
  const { id, source, kind, state, counts, refusals, error, startedAt, finishedAt, by } = record;
  return (
    <Card title={source} wide says={`Records of ${nameOf(kind)}`}>
      <Facts
        facts={[
          ['State', <State tone={tones[state]}>{state}</State>],
          error === undefined ? undefined : ['Why', error],
          ['Begun', <When at={startedAt} />],
          finishedAt === undefined ? undefined : ['Ended', <When at={finishedAt} />],
          ['By', <Who actor={by} />],
        ]}
      />
      {Object.keys(counts).length === 0 ? (
        <p class="quiet">Nothing was read.</p>
      ) : (
        <Table
          name="counts"
          caption={`What was read from ${source}`}
          rows={Object.entries(counts)}
          rowKey={([what]) => what}
          columns={[
            { key: 'what', head: 'What', value: ([what]) => what },
            { key: 'read', head: 'Read', value: ([, { read }]) => read, cell: ([, { read }]) => number(read, 0), number: true },
            {
              key: 'imported',
              head: 'Imported',
              value: ([, { imported }]) => imported,
              cell: ([, { imported }]) => number(imported, 0),
              number: true,
            },
            {
              key: 'present',
              head: 'Here already',
              value: ([, { present }]) => present,
              cell: ([, { present }]) => number(present, 0),
              number: true,
            },
            {
              key: 'refused',
              head: 'Refused',
              value: ([, { refused }]) => refused,
              cell: ([, { refused }]) => number(refused, 0),
              number: true,
            },
          ]}
        />
      )}
      {refusals.length > 0 && (
        <>
          <h3>Refused</h3>
          <ul>
            {refusals.map(({ what, why }) => (
              <li key={what}>
                {what}: {why}
              </li>
            ))}
          </ul>
        </>
      )}
      {state === 'running' && (
        <div class="actions">
          <Action
            label="Cancel"
            permission="administer"
            explain={<p>What is in stays in. Begun again, the import goes on.</p>}
            act={async () => {
              await send('DELETE', `imports/${encodeURIComponent(id)}`);
              reload();
            }}
          />
        </div>
      )}
    </Card>
  );
}

function NewImport({ started }: { readonly started: () => void }): JSX.Element {
  const [kind, setKind] = useState<Kind>('mlflow');
  const [source, setSource] = useState('');
  const [artifacts, setArtifacts] = useState('');
  const [experiment, setExperiment] = useState('');
  const [token, setToken] = useState('');
  const hasFiles = kind === 'mlflow' || kind === 'wandb';
  return (
    <Action
      label="New import"
      permission="administer"
      primary
      explain={
        <>
          <p>The platform reads the source from its own machine.</p>
          <label class="field">
            <span>Records of</span>
            <select
              value={kind}
              onChange={(event) => setKind(kinds.find((one) => one.kind === event.currentTarget.value)?.kind ?? 'mlflow')}
            >
              {kinds.map((one) => (
                <option key={one.kind} value={one.kind}>
                  {one.name}
                </option>
              ))}
            </select>
          </label>
          <label class="field">
            <span>From: {kinds.find((one) => one.kind === kind)?.source}; paths begin at the root</span>
            <input value={source} onInput={(event) => setSource(event.currentTarget.value)} autocomplete="off" required />
          </label>
          {hasFiles && (
            <label class="field">
              <span>Folder that files of the records may be read from</span>
              <input value={artifacts} onInput={(event) => setArtifacts(event.currentTarget.value)} autocomplete="off" />
            </label>
          )}
          {kind !== 'mlflow' && (
            <label class="field">
              <span>Experiment that the runs go to</span>
              <input value={experiment} onInput={(event) => setExperiment(event.currentTarget.value)} autocomplete="off" />
            </label>
          )}
          {kind === 'mlflow' && /^https?:/.test(source) && (
            <label class="field">
              <span>Token for the server; it is not kept</span>
              <input type="password" value={token} onInput={(event) => setToken(event.currentTarget.value)} autocomplete="off" />
            </label>
          )}
        </>
      }
      act={async () => {
        await send('POST', 'imports', {
          kind,
          source,
          ...(hasFiles && artifacts !== '' ? { artifacts } : {}),
          ...(kind !== 'mlflow' && experiment !== '' ? { experiment } : {}),
          ...(kind === 'mlflow' && token !== '' ? { token } : {}),
        });
        started();
      }}
    />
  );
}
