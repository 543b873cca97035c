import type { EndpointState, ModelFigures, TrafficFigures } from '#contract';
import type { Cli } from '../cli.ts';
import type { Page } from '../lists.ts';
import { when } from '../output.ts';
import type { Register } from '../verb.ts';
import { examples } from '../verb.ts';
import { showPolicy, showRefused } from './endpoint-policy.ts';
import { versionNames } from './model-reference.ts';

export const registerEndpoint: Register = (program, bind) => {
  const endpoint = program
    .command('endpoint')
    .summary('what answers, and how it does')
    .description('What answers in each environment, and how it does: traffic of the last minute, models, workers, queues, shadows.')
    .addHelpText('after', examples('gyre endpoint list', 'gyre endpoint show production'));

  endpoint
    .command('list')
    .description('Shows every environment’s endpoint with its traffic of the last minute.')
    .action(
      bind<object>((cli) =>
        cli.withClient(async (client) => {
          const { items } = await client.get<Page<EndpointState>>('endpoints');
          const nameOf = await versionNames(
            client,
            items.map(({ live }) => live?.modelVersion),
          );
          cli.output.facts(items, () =>
            cli.output.table(items, [
              { title: 'ENVIRONMENT', of: ({ environment }) => environment },
              { title: 'ENDPOINT', of: (item) => item.endpoint },
              { title: 'MODEL VERSION', of: ({ live }) => nameOf(live?.modelVersion) },
              { title: 'PER SECOND', of: ({ figures }) => figures?.traffic.perSecond.toFixed(1), align: 'right' },
              { title: 'P50 MS', of: ({ figures }) => ms(figures?.traffic.p50Ms), align: 'right' },
              { title: 'P99 MS', of: ({ figures }) => ms(figures?.traffic.p99Ms), align: 'right' },
              { title: 'ERRORS', of: ({ figures }) => figures?.traffic.errors, align: 'right' },
              { title: 'QUEUED', of: ({ figures }) => queuedOf(figures?.models), align: 'right' },
              { title: 'ADDRESS', of: ({ address }) => address },
            ]),
          );
        }),
      ),
    );

  endpoint
    .command('show')
    .description(
      'Shows the models behind an endpoint: weights, lanes, workers, queues, batches, memory, shadows; what it lets through and logs, and what it refused.',
    )
    .argument('[environment]', 'the environment', 'production')
    .action(
      bind<object>((cli, _options, environment = 'production') =>
        cli.withClient(async (client) => {
          const state = await client.get<EndpointState>(`endpoints/${encodeURIComponent(environment)}`);
          cli.output.facts(state, () => show(cli, state));
        }),
      ),
    );
};

function show(cli: Cli, state: EndpointState): void {
  const { endpoint, environment, address, grpcAddress, live, figures } = state;
  const at = [address, grpcAddress].filter((one) => one !== undefined).join(' and ');
  cli.output.line(`${endpoint} in ${environment}${at === '' ? ': nothing runs' : ` at ${at}`}`);
  if (live !== undefined) cli.output.line(`generation ${live.generation}, live since ${when(live.deployedAt)}`);
  showPolicy(cli, state);
  if (figures === undefined) return;
  showRefused(cli, figures.refused);
  cli.output.line(`${trafficText(figures.traffic)}${figures.answeringThreads === 1 ? '' : `; ${figures.answeringThreads} threads answer`}`);
  cli.output.table(figures.models, [
    { title: 'MODEL', of: ({ name, version }) => `${name} ${version}` },
    { title: 'WEIGHT', of: ({ weight }) => `${(100 * weight).toFixed(0)} %`, align: 'right' },
    { title: 'RUNS', of: runsText },
    { title: 'ON', of: ({ provider }) => provider },
    { title: 'PER SECOND', of: ({ traffic }) => traffic.perSecond.toFixed(1), align: 'right' },
    { title: 'P99 MS', of: ({ traffic }) => ms(traffic.p99Ms), align: 'right' },
    { title: 'ERRORS', of: ({ traffic }) => traffic.errors, align: 'right' },
    { title: 'QUEUED', of: ({ queued }) => queued, align: 'right' },
    { title: 'ROWS A RUN', of: ({ batches }) => meanRows(batches)?.toFixed(1), align: 'right' },
    { title: 'MIB', of: ({ memoryBytes }) => (memoryBytes / 2 ** 20).toFixed(0), align: 'right' },
    { title: 'COLD START MS', of: ({ coldStartMs }) => coldStartMs?.toFixed(0), align: 'right' },
  ]);
  if (figures.warm !== undefined)
    cli.output.line(
      `kept for a rollback: ${figures.warm.map(({ name, version, loaded, failure }) => `${name} ${version}${loaded ? '' : ` (not loaded${failure === undefined ? '' : `: ${failure}`})`}`).join(', ')}`,
    );
  if (figures.shadows.length === 0) return;
  cli.output.line('shadows:');
  cli.output.table(figures.shadows, [
    { title: 'MODEL', of: ({ name, version }) => `${name} ${version}` },
    { title: 'ASKED', of: ({ requests }) => requests, align: 'right' },
    { title: 'SAME', of: ({ same }) => same, align: 'right' },
    { title: 'DIFFERENT', of: ({ different }) => different, align: 'right' },
    { title: 'FAILED', of: ({ failed }) => failed, align: 'right' },
    { title: 'NOT ASKED', of: ({ dropped }) => dropped, align: 'right' },
    { title: 'MEAN DIFFERENCE', of: ({ meanDifference }) => meanDifference.toPrecision(3), align: 'right' },
  ]);
}

/** One worker computes on all cores, for a request that is alone: `--workers` bounds the others. */
function runsText({ asleep, lane, engine, workers, wideWorker }: ModelFigures): string {
  if (asleep) return 'asleep';
  if (lane === 'inline') return engine === 'gyre' ? 'inline, by Gyre itself' : lane;
  if (!wideWorker) return workers === 1 ? '1 worker' : `${workers} workers`;
  return workers === 1 ? '1 worker with all cores' : `${workers - 1} + 1 with all cores`;
}

function trafficText({ requests, errors, perSecond, p50Ms, p95Ms, p99Ms }: TrafficFigures): string {
  const latencies = requests === 0 ? '' : `, p50 ${ms(p50Ms)} ms, p95 ${ms(p95Ms)} ms, p99 ${ms(p99Ms)} ms`;
  return `in the last minute ${requests} requests (${perSecond.toFixed(1)} a second), ${errors} errors${latencies}`;
}

function ms(value: number | undefined): string | undefined {
  return value?.toPrecision(3);
}

function queuedOf(models: readonly ModelFigures[] | undefined): number | undefined {
  return models?.reduce((sum, { queued }) => sum + queued, 0);
}

function meanRows(batches: ModelFigures['batches']): number | undefined {
  const runs = batches.reduce((sum, batch) => sum + batch.runs, 0);
  return runs === 0 ? undefined : batches.reduce((sum, batch) => sum + batch.rows * batch.runs, 0) / runs;
}
