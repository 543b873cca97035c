import type { JSX } from 'preact';
import type { EndpointState, ManifestRoute, ModelFigures, ModelVersion, TrafficFigures } from '#contract';
import { Sparkline } from '../charts/sparkline.tsx';
import { bytes, counted, duration, number, percent } from '../lib/format.ts';
import type { PredictionRecord } from '../lib/shapes.ts';
import { recordPath } from '../lib/records.ts';
import { type Page as PageOf, useResource } from '../lib/resource.ts';
import { usePolled } from '../lib/use-polled.ts';
import { versionName } from '../lib/versions.ts';
import { Card, Empty, Facts, Load, Page, RawJson } from '../parts/page.tsx';
import { State } from '../parts/state.tsx';
import { Table } from '../parts/table.tsx';
import { Command, Copy, RecordRef, When } from '../parts/values.tsx';
import { VersionRef } from '../parts/version-ref.tsx';
import { PolicyCard } from './endpoint-policy.tsx';
import { TryEndpoint } from './try-endpoint.tsx';

const everyMs = 2000;
const endpointPath = (environment: string): string => `/endpoints/${encodeURIComponent(environment)}`;

/** What answers in each environment: its traffic of the last minute, live. */
export function EndpointsPage(): JSX.Element {
  const endpoints = usePolled<PageOf<EndpointState>>('endpoints', everyMs);
  return (
    <Page title="Endpoints" truth={<p>Where predictions are answered, with the traffic of the last minute.</p>}>
      <Load of={endpoints} what="The endpoints">
        {({ items }) =>
          items.every(({ live }) => live === undefined) ? (
            <Empty title="Nothing answers yet.">
              Roll a version out: <Command>gyre release deploy MODEL/1 test</Command>, or serve any ONNX file:{' '}
              <Command>gyre serve --model NAME=FILE.onnx</Command>
            </Empty>
          ) : (
            <Table
              name="endpoints"
              caption="Endpoints"
              rows={items}
              rowKey={({ environment }) => environment}
              href={({ environment }) => endpointPath(environment)}
              columns={[
                {
                  key: 'endpoint',
                  head: 'Endpoint',
                  value: ({ environment }) => environment,
                  cell: ({ environment, endpoint }) => (
                    <a href={endpointPath(environment)}>
                      {endpoint} in {environment}
                    </a>
                  ),
                },
                { key: 'state', head: 'State', value: (row) => stateOf(row)[1], cell: (row) => <StateOf endpoint={row} /> },
                {
                  key: 'live',
                  head: 'Live',
                  value: ({ live }) => (live === undefined ? undefined : versionName(live.modelVersion)),
                  cell: ({ live }) => (live === undefined ? '—' : <VersionRef id={live.modelVersion} />),
                },
                {
                  key: 'rate',
                  head: 'Requests a second',
                  number: true,
                  value: ({ figures }) => figures?.traffic.perSecond,
                  cell: ({ figures }) => (figures === undefined ? '—' : <Rate traffic={figures.traffic} />),
                },
                latency('p50Ms', 'Half within'),
                latency('p99Ms', '99 % within'),
                {
                  key: 'errors',
                  head: 'Errors',
                  number: true,
                  value: ({ figures }) => figures?.traffic.errors,
                  cell: ({ figures }) => (figures === undefined ? '—' : <Errors traffic={figures.traffic} />),
                },
                {
                  key: 'queued',
                  head: 'Waiting',
                  number: true,
                  value: ({ figures }) => figures?.models.reduce((sum, { queued }) => sum + queued, 0),
                },
              ]}
            />
          )
        }
      </Load>
    </Page>
  );
}

function latency(
  key: 'p50Ms' | 'p99Ms',
  head: string,
): {
  readonly key: string;
  readonly head: string;
  readonly number: true;
  readonly value: (row: EndpointState) => number | undefined;
  readonly cell: (row: EndpointState) => string;
} {
  const of = ({ figures }: EndpointState): number | undefined => figures?.traffic[key];
  return { key, head, number: true, value: of, cell: (row) => within(of(row)) };
}

const within = (ms: number | undefined): string => (ms === undefined ? '—' : duration(ms));

function stateOf({ live, address, agents, figures }: EndpointState): readonly ['good' | 'bad' | 'off' | 'warn', string] {
  if (live === undefined) return ['off', 'nothing live'];
  if (agents !== undefined) return [agents.inStep > 0 ? 'good' : 'warn', `${agents.inStep} of ${agents.enrolled} agents serve it`];
  if (address === undefined || figures === undefined) return ['bad', 'does not answer'];
  return figures.ready ? ['good', 'answers'] : ['warn', 'drains'];
}

function StateOf({ endpoint }: { readonly endpoint: EndpointState }): JSX.Element {
  const [tone, text] = stateOf(endpoint);
  return <State tone={tone}>{text}</State>;
}

function Rate({ traffic }: { readonly traffic: TrafficFigures }): JSX.Element {
  return (
    <>
      <Sparkline label="requests in each of the last 60 seconds" values={traffic.seconds.map(({ requests }) => requests)} />{' '}
      {number(traffic.perSecond, 1)}
    </>
  );
}

function Errors({ traffic: { errors, requests } }: { readonly traffic: TrafficFigures }): JSX.Element {
  if (errors === 0) return <>0</>;
  return <State tone="warn">{`${errors} (${percent(errors / Math.max(1, requests))})`}</State>;
}

/** One endpoint: its models, what is asked of them, what they said last, and a form to ask it. */
export function EndpointPage({ environment }: { readonly environment: string }): JSX.Element {
  const endpoint = usePolled<EndpointState>(`endpoints/${encodeURIComponent(environment)}`, everyMs);
  const live = endpoint.data?.live?.modelVersion;
  const version = useResource<ModelVersion>(live === undefined ? undefined : `model-versions/${encodeURIComponent(live)}`);
  return (
    <Load of={endpoint} what="This endpoint">
      {(state) => (
        <Page
          kind="Endpoint"
          title={`${state.endpoint} in ${environment}`}
          crumbs={[{ text: 'Endpoints', href: '/endpoints' }]}
          truth={<Truth endpoint={state} />}
        >
          <div class="cards">
            {state.figures !== undefined && <Models state={state} figures={state.figures} />}
            {state.address !== undefined && version.data?.signature !== undefined && (
              <TryEndpoint
                environment={environment}
                endpoint={state.endpoint}
                address={state.address}
                signature={version.data.signature}
                maxBodyBytes={state.limits?.maxBodyBytes}
                scoresOutliers={state.outliers === true}
                isLogged={(state.log?.sample ?? 0) > 0}
              />
            )}
            {state.route !== undefined && <RouteCard route={state.route} />}
            {state.figures !== undefined && state.figures.shadows.length > 0 && <Shadows state={state} />}
            <PolicyCard state={state} />
            <Recent environment={environment} />
            <Addresses state={state} />
          </div>
        </Page>
      )}
    </Load>
  );
}

function Truth({ endpoint }: { readonly endpoint: EndpointState }): JSX.Element {
  const { figures, live } = endpoint;
  return (
    <p>
      <StateOf endpoint={endpoint} />{' '}
      {live !== undefined && (
        <>
          <VersionRef id={live.modelVersion} />, since <When at={live.deployedAt} />
        </>
      )}
      {figures !== undefined && (
        <>
          ; in the last minute <b>{counted(figures.traffic.requests, 'request')}</b>
          {figures.traffic.requests > 0 && `, 99 % within ${within(figures.traffic.p99Ms)}`}
          {figures.traffic.errors > 0 && `, ${counted(figures.traffic.errors, 'error')}`}
        </>
      )}
    </p>
  );
}

function Models({
  state,
  figures,
}: {
  readonly state: EndpointState;
  readonly figures: NonNullable<EndpointState['figures']>;
}): JSX.Element {
  const { limitBytes, usedBytes } = figures.memory;
  return (
    <Card
      title="Models"
      wide
      says={`${counted(figures.inFlight, 'request')} under way; models take ${bytes(usedBytes)}${limitBytes === undefined ? '' : ` of ${bytes(limitBytes)}`}${figures.answeringThreads === 1 ? '' : `; ${figures.answeringThreads} threads answer`}.`}
      aside={<Rate traffic={figures.traffic} />}
    >
      <Table
        name="models"
        caption={`Models of ${state.endpoint}`}
        rows={figures.models}
        rowKey={({ name, version }) => `${name} ${version}`}
        filterable={false}
        columns={[
          { key: 'model', head: 'Model', value: ({ name, version }) => `${name} ${version}` },
          { key: 'weight', head: 'Share', number: true, value: ({ weight }) => weight, cell: ({ weight }) => percent(weight, 0) },
          { key: 'runs', head: 'Runs', value: runsText },
          { key: 'rate', head: 'Requests a second', number: true, value: ({ traffic }) => number(traffic.perSecond, 1) },
          {
            key: 'p50',
            head: 'Half within',
            number: true,
            value: ({ traffic }) => traffic.p50Ms,
            cell: ({ traffic }) => within(traffic.p50Ms),
          },
          {
            key: 'p99',
            head: '99 % within',
            number: true,
            value: ({ traffic }) => traffic.p99Ms,
            cell: ({ traffic }) => within(traffic.p99Ms),
          },
          {
            key: 'errors',
            head: 'Errors',
            number: true,
            value: ({ traffic }) => traffic.errors,
            cell: ({ traffic }) => <Errors traffic={traffic} />,
          },
          { key: 'queued', head: 'Waiting', number: true, value: ({ queued }) => queued },
          { key: 'batch', head: 'Rows a run', number: true, value: meanRows, cell: (model) => batchText(model) },
          {
            key: 'memory',
            head: 'Memory',
            number: true,
            value: ({ memoryBytes }) => memoryBytes,
            cell: ({ memoryBytes }) => bytes(memoryBytes),
          },
          {
            key: 'start',
            head: 'Cold start',
            number: true,
            value: ({ coldStartMs }) => coldStartMs,
            cell: ({ coldStartMs, coldStarts }) => (coldStartMs === undefined ? '—' : `${duration(coldStartMs)} (${coldStarts})`),
          },
        ]}
      />
      {figures.warm !== undefined && (
        <p class="quiet">
          {figures.warm.some(({ loaded }) => loaded) ? 'Kept loaded for a rollback: ' : 'To be kept for a rollback: '}
          {figures.warm
            .map(
              ({ name, version, loaded, failure }) =>
                `${name} ${version}${loaded ? '' : ` (not loaded${failure === undefined ? '' : `: ${failure}`})`}`,
            )
            .join(', ')}
          .
        </p>
      )}
      {figures.models
        .filter(({ lastFailure }) => lastFailure !== undefined)
        .map(({ name, lastFailure }) => (
          <p key={name} class="quiet">
            {name}: {lastFailure}
          </p>
        ))}
    </Card>
  );
}

function runsText({ asleep, lane, engine, workers, wideWorker, provider, workerRestarts }: ModelFigures): string {
  const narrow = wideWorker ? workers - 1 : workers;
  const onWorkers = [narrow > 0 ? counted(narrow, 'worker') : '', wideWorker ? '1 with all cores' : '']
    .filter((text) => text !== '')
    .join(' + ');
  const where = asleep
    ? 'asleep until asked'
    : lane === 'inline'
      ? engine === 'gyre'
        ? 'inline, by Gyre itself'
        : 'inline'
      : onWorkers || 'no worker yet';
  return `${where}${provider === 'cpu' ? '' : `, ${provider}`}${workerRestarts === 0 ? '' : `, ${counted(workerRestarts, 'restart')}`}`;
}

function meanRows({ batches }: ModelFigures): number | undefined {
  const runs = batches.reduce((sum, batch) => sum + batch.runs, 0);
  return runs === 0 ? undefined : batches.reduce((sum, batch) => sum + batch.rows * batch.runs, 0) / runs;
}

function batchText(model: ModelFigures): string {
  const mean = meanRows(model);
  return mean === undefined ? '—' : `${number(mean, 1)} of ${model.maxRows}`;
}

function RouteCard({ route }: { readonly route: ManifestRoute }): JSX.Element {
  const { rules = [], sticky, shadows = [], fallback, before = [], after = [] } = route;
  const title = ({ name, version }: { readonly name: string; readonly version: string }): string => `${name} ${version}`;
  return (
    <Card title="Which model answers" says="By the signed manifest; a request that names a version gets that version.">
      <Facts
        facts={[
          ...rules.map(({ header, equals, model }) => [`${header}: ${equals}`, title(model)] as const),
          sticky === undefined ? undefined : ['Sticky by', sticky.header ?? 'the request’s key'],
          ...shadows.map(({ model, sample }) => ['Shadow', `${title(model)}, ${percent(sample, 0)} of requests`] as const),
          fallback === undefined
            ? undefined
            : ['Fallback', `${title(fallback.model)}${fallback.afterMs === undefined ? '' : `, after ${duration(fallback.afterMs)}`}`],
          before.length === 0 ? undefined : ['Before it', before.map(({ model }) => title(model)).join(' → ')],
          after.length === 0 ? undefined : ['Behind it', after.map(({ model }) => title(model)).join(' → ')],
        ]}
      />
    </Card>
  );
}

function Shadows({ state }: { readonly state: EndpointState }): JSX.Element {
  return (
    <Card title="Shadows" wide says="Asked the same after the answer has left; what they say is compared, never answered.">
      <Table
        name="shadows"
        caption="Shadows"
        rows={state.figures?.shadows ?? []}
        rowKey={({ name, version }) => `${name} ${version}`}
        filterable={false}
        columns={[
          { key: 'model', head: 'Model', value: ({ name, version }) => `${name} ${version}` },
          { key: 'requests', head: 'Asked', number: true, value: ({ requests }) => requests },
          { key: 'same', head: 'Same answer', number: true, value: ({ same, requests }) => percent(same / Math.max(1, requests)) },
          { key: 'different', head: 'Different', number: true, value: ({ different }) => different },
          { key: 'failed', head: 'Failed', number: true, value: ({ failed }) => failed },
          { key: 'dropped', head: 'Not asked', number: true, value: ({ dropped }) => dropped },
          { key: 'difference', head: 'Mean difference', number: true, value: ({ meanDifference }) => number(meanDifference) },
          { key: 'ms', head: 'Takes', number: true, value: ({ meanMs }) => meanMs, cell: ({ meanMs }) => duration(meanMs) },
        ]}
      />
    </Card>
  );
}

function Recent({ environment }: { readonly environment: string }): JSX.Element {
  const list = useResource<PageOf<PredictionRecord>>(`predictions?first=newest&limit=200`, ['predictions.', 'labels.']);
  return (
    <Card
      title="Last predictions"
      wide
      says="As they arrived in the log, what the policy hides hidden."
      aside={<a href="/predictions">All predictions</a>}
    >
      <Load of={list} what="The predictions">
        {({ items }) => {
          const own = items.filter((item) => item.environment === environment).slice(0, 20);
          return own.length === 0 ? (
            <p class="quiet">None is among the newest: the log of this environment may not be kept, or nothing was asked.</p>
          ) : (
            <Table
              name="recent"
              caption="Last predictions"
              rows={own}
              rowKey={({ id }) => id}
              href={({ id }) => recordPath('prediction', id)}
              filterable={false}
              columns={[
                {
                  key: 'served',
                  head: 'Served',
                  value: ({ servedAt }) => servedAt,
                  cell: ({ id, servedAt }) => (
                    <a href={recordPath('prediction', id)}>
                      <When at={servedAt} />
                    </a>
                  ),
                },
                {
                  key: 'inputs',
                  head: 'Asked',
                  value: ({ inputs }) => asked(inputs),
                  cell: ({ inputs }) => <span class="wrap">{asked(inputs)}</span>,
                },
                { key: 'predicted', head: 'Said', value: ({ predicted, score }) => predicted ?? score },
                {
                  key: 'score',
                  head: 'Score',
                  number: true,
                  value: ({ score }) => score,
                  cell: ({ score }) => (score === undefined ? '—' : number(score, 3)),
                },
                {
                  key: 'took',
                  head: 'Took',
                  number: true,
                  value: ({ latencyMs }) => latencyMs,
                  cell: ({ latencyMs }) => duration(latencyMs),
                },
                { key: 'id', head: 'Id', value: ({ id }) => id, cell: ({ id }) => <Copy text={id} what="prediction id" /> },
              ]}
            />
          );
        }}
      </Load>
    </Card>
  );
}

function asked(inputs: PredictionRecord['inputs']): string {
  const cells = Object.entries(inputs);
  const shown = cells.slice(0, 6).map(([name, value]) => `${name} ${value === null ? '—' : String(value)}`);
  return cells.length > shown.length ? `${shown.join(', ')}, and ${cells.length - shown.length} more` : shown.join(', ');
}

function Addresses({ state }: { readonly state: EndpointState }): JSX.Element {
  const { address, grpcAddress, agents, live, endpoint } = state;
  const nowhere = agents === undefined ? 'its data plane does not run' : <a href="/environments">where its agents are</a>;
  return (
    <Card title="Where it answers" wide>
      <Facts
        facts={[
          ['REST', address === undefined ? nowhere : <Command>{`curl ${address}/v2/models/${endpoint}`}</Command>],
          grpcAddress === undefined ? undefined : ['gRPC', <code>{grpcAddress}</code>],
          address === undefined ? undefined : ['Prometheus', <code>{`${address}/metrics`}</code>],
          live === undefined
            ? undefined
            : [
                'Manifest',
                <RecordRef kind="deployment" id={live.id}>
                  generation {live.generation}
                </RecordRef>,
              ],
        ]}
      />
      <RawJson value={state} />
    </Card>
  );
}
