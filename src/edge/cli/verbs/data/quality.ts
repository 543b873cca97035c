import type { Command } from 'commander';
import type { QualityReport } from '#contract';
import { exitCodes } from '../../exit-codes.ts';
import type { Bind } from '../../verb.ts';

/** The five characteristics. */
export function registerDataQuality(data: Command, bind: Bind): void {
  data
    .command('quality')
    .description(
      'Shows the quality report: five characteristics, each a score made of named checks. Exit code 1 when a check of severity error fails.',
    )
    .argument('<version>', 'the dataset version’s digest')
    .action(
      bind<object>((cli, _options, digest) =>
        cli.withClient(async (client) => {
          const report = await client.get<QualityReport>(`datasets/${digest}/quality`);
          cli.output.facts(report, () => {
            for (const { name, score, checks } of report.characteristics) {
              cli.output.line(`${cli.output.style('bold', name)}: ${score === null ? 'not measurable' : score.toFixed(3)}`);
              for (const check of checks) {
                const failed = check.score !== null && check.score < 1;
                cli.output.line(
                  `  ${cli.output.style(failed && check.severity === 'error' ? 'red' : 'dim', check.score === null ? '  -  ' : check.score.toFixed(3))} ${check.name}: ${check.message}`,
                );
                for (const { row, column, value } of failed ? check.examples.slice(0, 3) : []) {
                  cli.output.line(
                    `          ${[row === undefined ? '' : `row ${row}`, column ?? '', JSON.stringify(value)].filter((part) => part !== '').join(' ')}`,
                  );
                }
              }
            }
          });
          return report.violations === 0 ? exitCodes.ok : exitCodes.failed;
        }),
      ),
    );
}
