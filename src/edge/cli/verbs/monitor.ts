import type { Action, Alert, Window } from '#contract';
import { listFlags, listQuery, pageNote } from '../lists.ts';
import type { ListFlags, Page } from '../lists.ts';
import { when } from '../output.ts';
import type { Register } from '../verb.ts';

export const registerMonitor: Register = (program, bind) => {
  const monitor = program
    .command('monitor')
    .summary('windows, alerts, actions')
    .description('What production looks like: windows, alerts, and what was done about them.');
  listFlags(monitor.command('windows').description('Lists windows, newest first.'))
    .option('--environment <name>', 'of one environment')
    .action(
      bind<ListFlags & { environment?: string }>((cli, options) =>
        cli.withClient(async (client) => {
          const page = await client.get<Page<Window>>('windows', { ...listQuery(options), environment: options.environment });
          cli.output.facts(page, () => {
            cli.output.table(page.items, [
              { title: 'WINDOW', of: ({ id }) => id },
              { title: 'FROM', of: ({ start }) => when(start) },
              { title: 'ROWS', of: ({ rows }) => rows, align: 'right' },
              { title: 'LABELLED', of: ({ labelled }) => labelled, align: 'right' },
              { title: 'DRIFTED', of: ({ driftedColumns }) => driftedColumns.join(', ') || 'none' },
              {
                title: 'PERFORMANCE',
                of: ({ performance }) =>
                  performance
                    .map(({ name, value, met }) => `${name} ${value === null ? '-' : value.toFixed(3)}${met === false ? ' missed' : ''}`)
                    .join(', '),
              },
              { title: 'JUDGED', of: ({ judged }) => judged },
            ]);
            pageNote(cli, page);
          });
        }),
      ),
    );
  monitor
    .command('window')
    .description('Shows one window: integrity, drift per column, performance.')
    .argument('<window>', 'its id')
    .action(
      bind<object>((cli, _options, id) =>
        cli.withClient(async (client) => {
          const window = await client.get<Window>(`windows/${encodeURIComponent(id)}`);
          cli.output.facts(window, () => {
            cli.output.pairs([
              ['window', `${when(window.start)} … ${when(window.end)}`],
              ['environment', window.environment],
              ['rows', window.rows],
              ['labelled', window.labelled],
              ['latency', `p50 ${window.latency.p50Ms ?? '-'} ms, p99 ${window.latency.p99Ms ?? '-'} ms`],
            ]);
            cli.output.line();
            cli.output.table(window.drift, [
              { title: 'COLUMN', of: ({ column }) => column },
              { title: 'TEST', of: ({ test }) => test },
              { title: 'P ADJUSTED', of: ({ adjustedPValue }) => adjustedPValue, align: 'right' },
              { title: 'PSI', of: ({ psi }) => psi, align: 'right' },
              { title: 'DRIFTED', of: ({ drifted }) => drifted },
            ]);
            cli.output.line();
            cli.output.table(window.performance, [
              { title: 'METRIC', of: ({ name }) => name },
              { title: 'VALUE', of: ({ value }) => value, align: 'right' },
              {
                title: 'INTERVAL',
                of: ({ interval }) => (interval === undefined ? '' : `${interval.low.toFixed(3)} … ${interval.high.toFixed(3)}`),
              },
              { title: 'WANTED', of: ({ threshold }) => threshold },
              { title: 'MET', of: ({ met }) => met },
            ]);
            for (const { kind, column, rows, share } of window.integrity)
              cli.output.line(`${kind} in ${column}: ${rows} rows (${(share * 100).toFixed(1)} %)`);
          });
        }),
      ),
    );
  listFlags(monitor.command('alerts').description('Lists alerts, newest first.'))
    .option('--state <state>', 'open, acknowledged or resolved')
    .action(
      bind<ListFlags & { state?: string }>((cli, options) =>
        cli.withClient(async (client) => {
          const page = await client.get<Page<Alert>>('alerts', { ...listQuery(options), state: options.state });
          cli.output.facts(page, () => {
            cli.output.table(page.items, [
              { title: 'ALERT', of: ({ id }) => id },
              { title: 'KIND', of: ({ kind }) => kind },
              { title: 'STATE', of: ({ state }) => state },
              { title: 'SINCE', of: ({ since }) => when(since) },
              { title: 'CAUSE', of: ({ cause }) => cause },
            ]);
            pageNote(cli, page);
          });
        }),
      ),
    );
  monitor
    .command('acknowledge')
    .description('Says that somebody looks after an alert.')
    .argument('<alert>', 'its id')
    .action(
      bind<object>((cli, _options, id) =>
        cli.withClient(async (client) => {
          const alert = await client.post<Alert>(`alerts/${encodeURIComponent(id)}/acknowledge`);
          cli.output.facts(alert, () => cli.output.line(`alert ${alert.id}: ${alert.state}`));
        }),
      ),
    );
  monitor
    .command('evaluate')
    .description('Takes in what the data planes have logged, and judges every window that is complete.')
    .option('--until <instant>', 'up to this instant (ISO 8601; default: now)')
    .action(
      bind<{ until?: string }>((cli, options) =>
        cli.withClient(async (client) => {
          await client.post<unknown>('monitor/ingest');
          const { windows } = await client.post<{ windows: readonly unknown[] }>(
            'monitor/evaluate',
            options.until === undefined ? {} : { until: options.until },
          );
          cli.output.facts(windows, () => cli.output.line(`${windows.length} ${windows.length === 1 ? 'window' : 'windows'} judged`));
        }),
      ),
    );
  listFlags(monitor.command('actions').description('Lists what was done about alerts, newest first.')).action(
    bind<ListFlags>((cli, options) =>
      cli.withClient(async (client) => {
        const page = await client.get<Page<Action>>('actions', listQuery(options));
        cli.output.facts(page, () => {
          cli.output.table(page.items, [
            { title: 'ACTION', of: ({ id }) => id },
            { title: 'KIND', of: ({ kind }) => kind },
            { title: 'STATE', of: ({ state }) => state },
            { title: 'WHEN', of: ({ startedAt }) => when(startedAt) },
            { title: 'WHY', of: ({ reason }) => reason },
            { title: 'OUTCOME', of: ({ outcome }) => outcome },
          ]);
          pageNote(cli, page);
        });
      }),
    ),
  );
  monitor
    .command('retrain')
    .description('Starts a retraining on data that include the labelled windows.')
    .requiredOption('--reason <text>', 'why, for the record')
    .action(
      bind<{ reason: string }>((cli, options) =>
        cli.withClient(async (client) => {
          const action = await client.post<Action>('actions/retrain', { reason: options.reason });
          cli.output.facts(action, () =>
            cli.output.line(
              `retraining ${action.state}: action ${action.id}${action.pipelineRun === undefined ? '' : `, pipeline run ${action.pipelineRun}`}`,
            ),
          );
        }),
      ),
    );
};
