import type { JSX } from 'preact';
import { parseFilter } from '#contract';
import type { Experiment, LoggedModel } from '#contract';
import { measured } from '../lib/format.ts';
import { metricLabel } from '../lib/metrics.ts';
import { recordPath } from '../lib/records.ts';
import { type Page as PageOf, useResource } from '../lib/resource.ts';
import { queryValue, setQuery } from '../lib/router.ts';
import type { RunKeys } from '../lib/tracking-shapes.ts';
import { FilterBox } from '../parts/filter-box.tsx';
import { Card, Empty, Facts, Load, Page, RawJson } from '../parts/page.tsx';
import { WordState } from '../parts/state.tsx';
import { Table } from '../parts/table.tsx';
import { Command, RecordRef, When } from '../parts/values.tsx';

type Measurement = LoggedModel['metrics'][number];

const said = ({ value }: Measurement): string => (value === null ? 'none' : measured(value));
const shown = ({ key, dataset }: Measurement): string =>
  dataset === undefined ? metricLabel(key) : `${metricLabel(key)} on ${dataset.name}`;

/** Models that runs logged; the address holds the filter. */
export function LoggedModelsPage(): JSX.Element {
  const filter = queryValue('filter') ?? '';
  const experiment = queryValue('experiment');
  const parsed = parseFilter('logged_model', filter.trim());
  const query = new URLSearchParams({
    limit: '200',
    ...(filter.trim() === '' ? {} : { filter: filter.trim() }),
    ...(experiment === undefined ? {} : { experiment }),
  });
  const models = useResource<PageOf<LoggedModel>>(parsed.ok ? `logged-models?${query.toString()}` : undefined, ['logged_model.']);
  const known = useResource<PageOf<LoggedModel>>('logged-models?limit=200', ['logged_model.']);
  const experiments = useResource<PageOf<Experiment>>('experiments?limit=200', ['experiment.']);
  return (
    <Page
      title="Logged models"
      crumbs={[{ text: 'Models', href: '/models' }]}
      truth={<p>What runs logged as a model, before or after somebody registers it.</p>}
    >
      <div class="cards">
        <Card
          title="Models"
          wide
          aside={
            <label>
              <span class="visually-hidden">Experiment</span>
              <select value={experiment ?? ''} onChange={(event) => setQuery({ experiment: event.currentTarget.value })}>
                <option value="">every experiment</option>
                {experiments.data?.items.map(({ id, name }) => (
                  <option key={id} value={id}>
                    {name}
                  </option>
                ))}
              </select>
            </label>
          }
        >
          <FilterBox
            kind="logged_model"
            value={filter}
            keys={keysOf(known.data?.items ?? [])}
            onApply={(text) => setQuery({ filter: text })}
          />
          {!parsed.ok && (
            <p role="status" class="tone-bad">
              {parsed.message}, at character {parsed.at + 1}
            </p>
          )}
          {parsed.ok && (
            <Load of={models} what="The models">
              {({ items, next }) => (
                <>
                  <Models models={items} filtered={filter !== ''} />
                  {next !== undefined && <p class="quiet">The newest 200 are shown: a filter finds the others.</p>}
                </>
              )}
            </Load>
          )}
        </Card>
      </div>
    </Page>
  );
}

/** What the newest models have: others may have more, which can be written all the same. */
function keysOf(models: readonly LoggedModel[]): RunKeys {
  const keyed = (of: (model: LoggedModel) => Readonly<Record<string, string>>): RunKeys['parameters'] => {
    const entries = models.flatMap((model) => Object.entries(of(model)));
    return [...Map.groupBy(entries, ([key]) => key)].map(([key, found]) => ({
      key,
      values: [...new Set(found.map(([, value]) => value))],
    }));
  };
  return {
    metrics: [...new Set(models.flatMap(({ metrics }) => metrics.map(({ key }) => key)))],
    parameters: keyed(({ parameters }) => parameters),
    tags: keyed(({ tags }) => tags),
  };
}

function Models({ models, filtered }: { readonly models: readonly LoggedModel[]; readonly filtered: boolean }): JSX.Element {
  if (models.length === 0)
    return (
      <Empty title={filtered ? 'No model is like that.' : 'No model yet.'}>
        <Command>mlflow.sklearn.log_model(model, name="model")</Command> in a run logs one.
      </Empty>
    );
  return (
    <Table
      name="models"
      caption="Logged models"
      rows={models}
      rowKey={({ id }) => id}
      href={({ id }) => recordPath('logged_model', id)}
      columns={[
        {
          key: 'name',
          head: 'Model',
          value: ({ name }) => name,
          cell: ({ name, id }) => <a href={recordPath('logged_model', id)}>{name}</a>,
        },
        { key: 'type', head: 'Type', value: ({ type }) => type },
        { key: 'status', head: 'Status', value: ({ status }) => status, cell: ({ status }) => <WordState word={status} /> },
        {
          key: 'metrics',
          head: 'Metrics',
          value: ({ metrics }) =>
            metrics
              .slice(0, 3)
              .map((one) => `${shown(one)} ${said(one)}`)
              .join(', '),
        },
        {
          key: 'run',
          head: 'Run',
          value: ({ run }) => run,
          cell: ({ run }) => (run === undefined ? '—' : <RecordRef kind="run" id={run} />),
        },
        { key: 'at', head: 'Logged', value: ({ createdAt }) => createdAt, cell: ({ createdAt }) => <When at={createdAt} /> },
      ]}
    />
  );
}

/** One model that a run logged: what it was made with, what was measured of it. */
export function LoggedModelPage({ id }: { readonly id: string }): JSX.Element {
  const model = useResource<LoggedModel>(`logged-models/${encodeURIComponent(id)}`, ['logged_model.']);
  return (
    <Load of={model} what="This model">
      {(data) => (
        <Page
          kind="Logged model"
          title={data.name}
          crumbs={[
            { text: 'Logged models', href: '/logged-models' },
            { text: 'experiment', href: recordPath('experiment', data.experiment) },
          ]}
          truth={
            <p>
              <WordState word={data.status} /> {data.deleted && 'deleted; '}
              {data.type !== undefined && `${data.type}; `}
              {data.run !== undefined && (
                <>
                  logged by <RecordRef kind="run" id={data.run} />,{' '}
                </>
              )}
              <When at={data.createdAt} />
            </p>
          }
        >
          <div class="cards">
            <Card title="Metrics" says="The last value of each, on each dataset.">
              <Table
                name="metrics"
                caption="Metrics"
                rows={data.metrics}
                rowKey={(one) => shown(one)}
                columns={[
                  { key: 'metric', head: 'Metric', value: ({ key }) => key, cell: ({ key }) => metricLabel(key) },
                  { key: 'dataset', head: 'Dataset', value: ({ dataset }) => dataset?.name },
                  { key: 'value', head: 'Value', number: true, value: ({ value }) => value ?? undefined, cell: said },
                  { key: 'step', head: 'Step', number: true, value: ({ step }) => step },
                ]}
              />
            </Card>
            <Card title="Parameters">
              <KeyValues name="parameters" caption="Parameters" head="Parameter" of={data.parameters} />
            </Card>
            <Card title="Tags">
              <KeyValues name="tags" caption="Tags" head="Tag" of={data.tags} />
            </Card>
            <Card title="Files">
              <Facts
                facts={[
                  ['Place', <code>{data.artifacts}</code>],
                  ['Load it', <Command>{`mlflow.pyfunc.load_model("models:/${data.id}")`}</Command>],
                ]}
              />
            </Card>
            <Card title="Record" wide>
              <RawJson value={data} />
            </Card>
          </div>
        </Page>
      )}
    </Load>
  );
}

function KeyValues({
  name,
  caption,
  head,
  of,
}: {
  readonly name: string;
  readonly caption: string;
  readonly head: string;
  readonly of: Readonly<Record<string, string>>;
}): JSX.Element {
  return (
    <Table
      name={name}
      caption={caption}
      rows={Object.entries(of)}
      rowKey={([key]) => key}
      columns={[
        { key: 'key', head, value: ([key]) => key },
        { key: 'value', head: 'Value', value: ([, value]) => value },
      ]}
    />
  );
}
