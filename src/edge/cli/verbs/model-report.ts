import type { TestReport } from '#contract';
import type { Cli } from '../cli.ts';
import { short } from '../output.ts';

/** A test report for people. */
export function showReport(cli: Cli, report: TestReport): void {
  const { output } = cli;
  output.line(
    `${report.passed ? output.style('green', 'passed') : output.style('red', 'failed')} on ${report.rows} rows of ${short(report.dataset)}`,
  );
  output.table(report.metrics, [
    { title: 'METRIC', of: ({ name }) => name },
    { title: 'VALUE', of: ({ value }) => value, align: 'right' },
    { title: 'INTERVAL', of: ({ interval }) => (interval === undefined ? '' : `${interval.low.toFixed(3)} … ${interval.high.toFixed(3)}`) },
  ]);
  output.line();
  for (const gate of report.gates)
    output.line(`${gate.passed ? output.style('green', 'met   ') : output.style('red', 'missed')} ${gate.message}`);
  for (const warning of report.warnings) output.line(`${output.style('yellow', 'warning')} ${warning}`);
}
