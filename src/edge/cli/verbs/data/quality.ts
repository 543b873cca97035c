import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import type { QualityCheck, QualityOutcome, QualityReport, QualityTrend } from '#contract';
import type { Cli } from '../../cli.ts';
import { exitCodes } from '../../exit-codes.ts';
import { short, when } from '../../output.ts';
import { examples, whole } from '../../verb.ts';
import type { Bind } from '../../verb.ts';

interface QualityFlags {
  readonly run?: boolean;
  readonly quarantine?: boolean;
  readonly trend?: boolean;
  readonly all?: boolean;
  readonly limit: number;
}

/** The five characteristics, and their course over versions. */
export function registerDataQuality(data: Command, bind: Bind): void {
  data
    .command('quality')
    .description(
      'Shows the quality report: five characteristics, each a score made of named checks, each with its outcome. Exit code 1 when a check fails.',
    )
    .argument('<version>', 'the dataset version’s digest; with --trend the dataset’s name')
    .option('--run', 'judge it anew, by what gyre.yaml and the reviewed schema say now')
    .option('--quarantine', 'judge it anew, and set rows aside that fail')
    .option('--all', 'show the checks that pass as well, and every row that was kept as an example')
    .option('--trend', 'the course over the dataset’s versions')
    .option('--limit <n>', 'with --trend: at most so many versions', whole, 20)
    .addHelpText(
      'after',
      examples('gyre data quality 702a45d5e5e1', 'gyre data quality --run 702a45d5e5e1', 'gyre data quality --trend customers'),
    )
    .action(
      bind<QualityFlags>((cli, options, name) => {
        if (options.trend === true) return showTrend(cli, name, options.limit);
        return cli.withClient(async (client) => {
          const isNew = options.run === true || options.quarantine === true;
          const path = `datasets/${name}/quality`;
          const body = options.quarantine === true ? { quarantine: true } : {};
          const report = isNew ? await client.post<QualityReport>(path, body) : await client.get<QualityReport>(path);
          cli.output.facts(report, () => reportLines(cli, report, options.all === true));
          return report.violations === 0 ? exitCodes.ok : exitCodes.failed;
        });
      }),
    );
}

const styles = { pass: 'green', warn: 'yellow', fail: 'red', unmeasured: 'dim' } as const;

function outcomeText({ output }: Cli, outcome: QualityOutcome): string {
  return output.style(styles[outcome], outcome === 'unmeasured' ? ' -  ' : outcome);
}

const scoreText = (score: number | null): string => (score === null ? '  -  ' : score.toFixed(3));

function reportLines(cli: Cli, report: QualityReport, isWhole: boolean): void {
  const { output } = cli;
  const { outcome, violations, warnings, quarantine } = report;
  output.line(`${outcomeText(cli, outcome)}  ${report.rows} rows: ${violations} checks fail, ${warnings} warn`);
  for (const { name, score, outcome: own, checks } of report.characteristics) {
    output.line();
    output.line(`${outcomeText(cli, own)} ${scoreText(score)} ${output.style('bold', name)}`);
    // a check without limits is a figure to know, and says something whether it passes or not
    const shown = checks.filter(
      ({ outcome: of, limits, failing }) => isWhole || of !== 'pass' || (failing > 0 && Object.keys(limits).length === 0),
    );
    for (const check of shown) checkLines(cli, check, isWhole);
    const others = checks.length - shown.length;
    if (others > 0)
      output.line(`  ${outcomeText(cli, 'pass')} ${others} ${shown.length > 0 ? 'more ' : ''}check${others === 1 ? '' : 's'}`);
  }
  if (quarantine === undefined) return;
  output.line();
  output.line(
    `${quarantine.rows} rows were set aside as version ${short(quarantine.version)}; ${quarantine.keptRows} go on as ${short(quarantine.kept)}`,
  );
  for (const { check, rows } of quarantine.reasons) output.line(`  ${String(rows).padStart(6)}  ${check}`);
}

/** @param isWhole with all the rows that were kept as examples */
function checkLines(cli: Cli, check: QualityCheck, isWhole: boolean): void {
  const sampled = check.sampled === undefined ? '' : ` (on a sample of ${check.sampled} rows)`;
  cli.output.line(`  ${outcomeText(cli, check.outcome)} ${scoreText(check.score)} ${check.name}: ${check.message}${sampled}`);
  if (check.outcome !== 'warn' && check.outcome !== 'fail' && check.name !== 'label errors') return;
  for (const { row, column, value, note } of check.examples.slice(0, isWhole ? undefined : 3)) {
    const parts = [
      row === undefined ? '' : `row ${row}`,
      column ?? '',
      value === null && note !== undefined ? '' : JSON.stringify(value),
      note ?? '',
    ];
    cli.output.line(`             ${parts.filter((part) => part !== '').join(' ')}`);
  }
}

function showTrend(cli: Cli, dataset: string, limit: number): Promise<void> {
  if (/^[0-9a-f]{12,64}$/.test(dataset))
    throw new InvalidArgumentError('--trend takes the name of a dataset, not the digest of a version.');
  return cli.withClient(async (client) => {
    const trend = await client.get<QualityTrend>('quality-trend', { dataset, limit });
    cli.output.facts(trend, () => {
      const scoreOf = (name: string) => ({
        title: name.toUpperCase(),
        of: ({ scores }: QualityTrend['points'][number]) => scores.find((each) => each.name === name)?.score?.toFixed(3),
        align: 'right' as const,
      });
      cli.output.table(trend.points, [
        { title: 'VERSION', of: ({ version }) => short(version) },
        { title: 'ROWS', of: ({ rows }) => rows, align: 'right' },
        { title: 'OUTCOME', of: ({ outcome }) => outcome },
        ...['accuracy', 'completeness', 'reliability', 'relevance', 'timeliness'].map(scoreOf),
        { title: 'FAIL', of: ({ violations }) => violations, align: 'right' },
        { title: 'WARN', of: ({ warnings }) => warnings, align: 'right' },
        { title: 'WHEN', of: ({ createdAt }) => when(createdAt) },
      ]);
      for (const { version, checks } of trend.points.slice(-1)) {
        if (checks.length === 0) continue;
        cli.output.line();
        cli.output.line(`${short(version)}: checks that warn or fail here or in the version before`);
        for (const { name, score, outcome, failing } of checks)
          cli.output.line(`  ${outcomeText(cli, outcome)} ${scoreText(score)} ${name}: ${failing} failing`);
      }
    });
  });
}
