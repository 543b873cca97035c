import { compareMetrics, compareVersions } from '#contract';
import type { ModelVersion, TestReport } from '#contract';
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import type { Client } from '../client.ts';
import { short } from '../output.ts';
import type { Bind } from '../verb.ts';
import { examples } from '../verb.ts';
import { modelVersion } from './model-reference.ts';

interface Comparison {
  readonly left: string;
  readonly right: string;
  readonly facts: ReturnType<typeof compareVersions>;
  /** Absent where one of them has no test report. */
  readonly metrics?: ReturnType<typeof compareMetrics>;
  /** Whether both are judged on the same rows. */
  readonly sameRows?: boolean;
}

/** `gyre model compare`: two versions side by side. */
export function registerModelCompare(model: Command, bind: Bind): void {
  model
    .command('compare')
    .description('Compares two model versions: what they are, what they take, and the metrics of their test reports.')
    .argument('<version>', 'such as churn/2 or churn@champion')
    .argument('<with>', 'another one, also of another model')
    .addHelpText('after', examples('gyre model compare churn@champion churn@challenger'))
    .action(
      bind<object>((cli, _options, one, other) =>
        cli.withClient(async (client) => {
          const left = await modelVersion(client, one);
          const right = await modelVersion(client, other);
          const reports = { left: await reportOf(client, left), right: await reportOf(client, right) };
          const comparison: Comparison = {
            left: nameOf(left),
            right: nameOf(right),
            facts: compareVersions(left, right),
            ...(reports.left === undefined || reports.right === undefined
              ? {}
              : { metrics: compareMetrics(reports.left, reports.right), sameRows: reports.left.dataset === reports.right.dataset }),
          };
          cli.output.facts(comparison, () => {
            show(cli, comparison);
            showReports(cli, comparison, reports);
          });
        }),
      ),
    );
}

const nameOf = ({ model, version }: ModelVersion): string => `${model}/${version}`;

async function reportOf(client: Client, { testReport }: ModelVersion): Promise<TestReport | undefined> {
  return testReport === undefined ? undefined : client.get<TestReport>(`test-reports/${testReport}`);
}

function show({ output }: Cli, { left, right, facts }: Comparison): void {
  output.table(facts, [
    { title: 'WHAT', of: ({ what }) => what },
    { title: left.toUpperCase(), of: (fact) => fact.left },
    { title: right.toUpperCase(), of: (fact) => fact.right },
    { title: '', of: (fact) => (fact.left === fact.right ? '' : 'differs') },
  ]);
  output.line();
}

function showReports(
  { output }: Cli,
  { left, right, metrics, sameRows }: Comparison,
  reports: { readonly left: TestReport | undefined; readonly right: TestReport | undefined },
): void {
  if (metrics === undefined) {
    output.line(`${reports.left === undefined ? left : right} has no test report: their figures cannot be compared`);
    return;
  }
  output.line(
    sameRows === true
      ? `judged on the same rows of ${short(reports.left?.dataset)}`
      : `${output.style('yellow', 'different rows')}: ${left} on ${short(reports.left?.dataset)}, ${right} on ${short(reports.right?.dataset)}; a difference may be that of the rows`,
  );
  output.table(metrics, [
    { title: 'METRIC', of: ({ name }) => name },
    { title: left.toUpperCase(), of: (metric) => figure(metric.left), align: 'right' },
    { title: right.toUpperCase(), of: (metric) => figure(metric.right), align: 'right' },
    {
      title: 'DIFFERENCE',
      of: ({ difference }) => (difference === undefined ? '' : `${difference > 0 ? '+' : ''}${difference.toFixed(4)}`),
      align: 'right',
    },
  ]);
}

const figure = (value: number | null): string => (value === null ? '' : value.toFixed(4));
