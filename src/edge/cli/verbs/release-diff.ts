import type { Command } from 'commander';
import type { ReleaseDiff, ReleaseDiffMetric } from '#contract';
import type { Cli } from '../cli.ts';
import { short, when } from '../output.ts';
import type { Bind } from '../verb.ts';
import { examples } from '../verb.ts';

const titles: Readonly<Record<ReleaseDiff['parts'][number]['part'], string>> = {
  model: 'MODEL',
  data: 'DATA',
  code: 'CODE',
  parameters: 'PARAMETERS',
  signature: 'SIGNATURE',
  gates: 'GATES',
  application_tests: 'APPLICATION TESTS',
  sign_off: 'SIGN-OFF',
  settings: 'SETTINGS',
  engine: 'ENGINE',
  package: 'PACKAGE',
};

/** `gyre release diff`: what differs between two releases. */
export function registerReleaseDiff(release: Command, bind: Bind): void {
  release
    .command('diff')
    .description('What differs between two releases, or between a version and what is live: what changed comes first.')
    .argument('<from>', 'a deployment (production@3), what is live in an environment (production), or a version (churn/2)')
    .argument('<to>', 'another one')
    .option('--all', 'what is the same as well')
    .option('--no-paired', 'do not ask both on the same rows, which takes a while')
    .addHelpText(
      'after',
      examples(
        'gyre release diff production churn@candidate',
        'gyre release diff production@3 production@4',
        'gyre release diff test production',
      ),
    )
    .action(
      bind<{ all?: boolean; paired: boolean }>((cli, { all = false, paired }, from, to) =>
        cli.withClient(async (client) => {
          const diff = await client.get<ReleaseDiff>('release-diff', { from, to, paired });
          cli.output.facts(diff, () => show(cli, diff, all));
        }),
      ),
    );
}

function show(cli: Cli, diff: ReleaseDiff, all: boolean): void {
  const { output } = cli;
  output.line(`from  ${titleOf(diff.from)}`);
  output.line(`to    ${titleOf(diff.to)}`);
  showMetrics(cli, diff);
  for (const { part, changed, lines, notes } of diff.parts) {
    const shown = all ? lines : lines.filter(({ same }) => !same);
    if (shown.length === 0 && notes.length === 0) continue;
    output.line();
    output.line(output.style('bold', `${titles[part]}${changed === 0 ? '' : `, ${changed} changed`}`));
    for (const note of notes) output.line(output.style('dim', note));
    for (const { what, from, to, same } of shown) {
      output.line(
        same
          ? output.style('dim', `  ${what}: ${from}`)
          : `  ${what}: ${output.style('red', from ?? '-')} → ${output.style('green', to ?? '-')}`,
      );
    }
    if (part === 'code') showCommits(cli, diff.commits);
  }
  const same = diff.parts.filter(({ changed }) => changed === 0).map(({ part }) => titles[part].toLowerCase());
  output.line();
  output.line(same.length === 0 ? 'no part is the same' : `the same: ${same.join(', ')}`);
}

function titleOf({ title, createdBy, deployment }: ReleaseDiff['from']): string {
  return deployment === undefined
    ? `${title}, registered by ${createdBy.name}`
    : `${title}, ${deployment.state} since ${when(deployment.deployedAt)}, by ${deployment.deployedBy.name}: ${deployment.reason}`;
}

function showMetrics({ output }: Cli, { metrics, paired }: ReleaseDiff): void {
  if (metrics.items.length > 0) {
    output.line();
    if (!metrics.sameRows) output.line(`${output.style('yellow', 'different rows')}: a difference may be that of the rows`);
    output.table(metrics.items, [
      { title: 'METRIC', of: ({ name, higherIsBetter }) => `${name} ${higherIsBetter ? '↑' : '↓'}` },
      { title: 'FROM', of: (metric) => figure(metric.from, metric.fromInterval), align: 'right' },
      { title: 'TO', of: (metric) => figure(metric.to, metric.toInterval), align: 'right' },
      { title: 'DIFFERENCE', of: ({ difference }) => (difference === undefined ? '' : signed(difference)), align: 'right' },
    ]);
  }
  const { comparison, why } = paired ?? {};
  if (why !== undefined) output.line(`not compared row by row: ${why}`);
  if (comparison === undefined) return;
  const { metric, championValue, challengerValue, difference, interval, rows, verdict } = comparison;
  output.line(
    `on the same ${rows} rows: ${metric} ${championValue.toFixed(3)} → ${challengerValue.toFixed(3)}, ${signed(difference)} (${interval.level * 100}% ${signed(interval.low)} to ${signed(interval.high)}): ${verdict.replace('_', ' ')}`,
  );
}

function showCommits({ output }: Cli, commits: ReleaseDiff['commits']): void {
  if (commits === undefined) return;
  output.line(`  git log ${commits.range}`);
  for (const { commit, subject } of commits.items) output.line(`    ${short(commit)} ${subject}`);
  if (commits.more) output.line('    …');
}

function figure(value: number | null | undefined, interval: ReleaseDiffMetric['toInterval']): string {
  if (value === undefined || value === null) return '-';
  return interval === undefined ? value.toFixed(3) : `${value.toFixed(3)} (${interval.low.toFixed(3)} to ${interval.high.toFixed(3)})`;
}

function signed(value: number): string {
  return `${value > 0 ? '+' : ''}${value.toFixed(3)}`;
}
