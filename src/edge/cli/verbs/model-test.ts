import type { Command } from 'commander';
import type { ModelVersion, TestReport, VersionTest } from '#contract';
import { tasks } from '#contract';
import { GyreError } from '#core';
import type { Cli } from '../cli.ts';
import type { Client } from '../client.ts';
import { exitCodes } from '../exit-codes.ts';
import type { Bind } from '../verb.ts';
import { examples } from '../verb.ts';
import { showReport } from './model-report.ts';
import { modelVersion } from './model-reference.ts';

/** What the verb's options say; each has its place in the request. */
interface TestOptions {
  readonly dataset?: string;
  readonly part?: string;
  readonly target?: string;
  readonly columns?: readonly string[];
  readonly task?: string;
  readonly classes?: string;
  readonly positive?: string;
  readonly output?: string;
}

/** The verb that judges a version from elsewhere. */
export function registerModelTest(model: Command, bind: Bind): void {
  model
    .command('test')
    .description(
      'Tests a version that was trained elsewhere as the project tests its own, and packs it for a release. Exit code 1 when a gate failed.',
    )
    .argument('<version>', 'such as churn/3')
    .option('--dataset <name>', 'a dataset (its newest version) or a version’s digest; default: what the project trains on')
    .option('--part <name>', 'of its split (default: test)')
    .option('--target <column>', 'what the model predicts; default: what the project predicts')
    .option('--columns <names...>', 'the columns that the graph takes, in their order: a,b,c, or tensor=a,b,c for each of several')
    .option('--task <task>', tasks.join(', '))
    .option('--classes <names>', 'the classes in the order of the model’s probabilities: No,Yes')
    .option('--positive <class>', 'the class that scores speak of')
    .option('--output <name>', 'the output that says probabilities, or the prediction')
    .addHelpText(
      'after',
      examples(
        'gyre model test churn/3',
        'gyre model test churn/3 --dataset customers --target Churn --columns tenure,MonthlyCharges --classes No,Yes',
      ),
    )
    .action(
      bind<TestOptions>((cli, options, reference) =>
        cli.withClient(async (client) => runTest(cli, client, await modelVersion(client, reference), requestOf(options))),
      ),
    );
}

/** Tests a version and shows what came of it. @returns the exit code */
export async function runTest(cli: Cli, client: Client, version: ModelVersion, request: VersionTest): Promise<number> {
  const report = await client.post<TestReport>(`models/${encodeURIComponent(version.model)}/versions/${version.version}/test`, request);
  cli.output.facts(report, () => showReport(cli, report));
  return report.passed ? exitCodes.ok : exitCodes.failed;
}

function requestOf({ columns, task, classes, ...rest }: TestOptions): VersionTest {
  const wanted = tasks.find((one) => one === task);
  if (task !== undefined && wanted === undefined) throw new GyreError('INVALID_ARGUMENT', `"${task}" is no task: ${tasks.join(', ')} are`);
  return {
    ...rest,
    ...(columns === undefined ? {} : { columns: Object.fromEntries(columns.map(tensorColumns)) }),
    ...(wanted === undefined ? {} : { task: wanted }),
    ...(classes === undefined ? {} : { classes: listed(classes) }),
  };
}

/** `x=a,b` as the columns of a tensor x; without a name those of the only tensor. */
function tensorColumns(word: string): readonly [tensor: string, columns: string[]] {
  const at = word.indexOf('=');
  return at < 0 ? ['', listed(word)] : [word.slice(0, at), listed(word.slice(at + 1))];
}

function listed(text: string): string[] {
  return text.split(',').map((name) => name.trim());
}
