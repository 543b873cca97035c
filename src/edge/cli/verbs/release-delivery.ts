import type { Command } from 'commander';
import type { DeliveryMetrics } from '#contract';
import type { Cli } from '../cli.ts';
import { when } from '../output.ts';
import type { Bind } from '../verb.ts';
import { examples } from '../verb.ts';

interface DeliveryOptions {
  readonly from?: string;
  readonly to?: string;
}

/** The verb that says how often, how fast and how safely versions come to an environment. */
export function registerReleaseDelivery(release: Command, bind: Bind): void {
  release
    .command('delivery')
    .description(
      'DORA’s four figures of an environment, from the records of its releases: how often versions come, how long after the newest of their data or code and what they waited for, how many were rolled back, and how long that took.',
    )
    .argument('[environment]', 'default: production', 'production')
    .option('--from <instant>', 'such as 2026-10-01T00:00:00Z (default: 90 days before)')
    .option('--to <instant>', 'default: now')
    .addHelpText('after', examples('gyre release delivery', 'gyre release delivery production --from 2026-10-01T00:00:00Z --json'))
    .action(
      bind<DeliveryOptions>((cli, { from, to }, environment = 'production') =>
        cli.withClient(async (client) => {
          const metrics = await client.get<DeliveryMetrics>(`environments/${encodeURIComponent(environment)}/delivery`, { from, to });
          cli.output.facts(metrics, () => say(cli, metrics));
        }),
      ),
    );
}

function say({ output }: Cli, metrics: DeliveryMetrics): void {
  const { changes, failures, perWeek, leadTimeMs, changeFailureRate, restoreMs, stages, latest, environment, from, to } = metrics;
  output.line(`${environment}, ${when(from)} to ${when(to)}`);
  output.pairs([
    ['deployment frequency', `${perWeek.toFixed(2)} a week (${changes} in all)`],
    ['lead time', leadTimeMs === null ? 'unknown' : `${span(leadTimeMs)} (median)`],
    ['waiting', stages.length === 0 ? undefined : stages.map(({ stage, medianMs }) => `${stage} ${span(medianMs)}`).join(', ')],
    [
      'change failure rate',
      changeFailureRate === null ? 'unknown' : `${(changeFailureRate * 100).toFixed(1)} % (${failures} of ${changes} rolled back)`,
    ],
    ['time to restore', restoreMs === null ? 'nothing was rolled back' : `${span(restoreMs)} (median)`],
  ]);
  output.table(latest.slice(0, 20), [
    { title: 'MODEL VERSION', of: ({ model, version }) => `${model}/${version}` },
    { title: 'WHEN', of: ({ at }) => when(at) },
    { title: 'LEAD TIME', of: ({ leadTimeMs: lead }) => (lead === undefined ? undefined : span(lead)) },
    {
      title: 'ROLLED BACK',
      of: ({ failed, restoreMs: restore }) => (failed ? `after ${restore === undefined ? 'a while' : span(restore)}` : undefined),
    },
  ]);
}

/** In the two largest units that say something. */
function span(ms: number): string {
  const units = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['min', 60_000],
    ['s', 1000],
  ] as const;
  const at = units.findIndex(([, length]) => ms >= length);
  if (at === -1) return `${Math.round(ms)} ms`;
  const [unit, length] = units[at];
  const smaller = units.at(at + 1);
  const whole = Math.floor(ms / length);
  const rest = smaller === undefined ? 0 : Math.floor((ms - whole * length) / smaller[1]);
  return rest === 0 ? `${whole} ${unit}` : `${whole} ${unit} ${rest} ${smaller?.[0]}`;
}
