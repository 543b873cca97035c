import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import type { PipelineRun, Run, RunClone } from '#contract';
import { exitCodes } from '../exit-codes.ts';
import { followRun } from '../follow-run.ts';
import type { Bind } from '../verb.ts';
import { examples, whole } from '../verb.ts';

interface CloneOptions {
  readonly set?: Readonly<Record<string, number | string | boolean>>;
  readonly seed?: number;
  readonly name?: string;
  readonly detach?: boolean;
}

/** A run once more, with changes. */
export function registerCloneRun(runs: Command, bind: Bind): void {
  runs
    .command('clone')
    .description(
      'Clones a run with changes. A run of Gyre’s trainers is trained again on the same data versions; of one that was logged from outside a record is opened, and what to type is said: nothing of it is executed.',
    )
    .argument('<run>', 'its id')
    .option('--set <parameter=value>', 'a parameter that is different; as often as needed', collected)
    .option('--seed <n>', 'another seed', whole)
    .option('--name <name>', 'the new run’s name')
    .option('--detach', 'do not wait for its end')
    .addHelpText(
      'after',
      examples('gyre runs clone 0190… --set learning_rate=0.05', 'gyre runs clone 0190… --set l2=1 --set max_iterations=200 --name wider'),
    )
    .action(
      bind<CloneOptions>((cli, { set, detach, ...options }, id) =>
        cli.withClient(async (client) => {
          const { seed, name } = options;
          const clone = await client.post<RunClone>(`runs/${encodeURIComponent(id)}/clone`, {
            ...(set === undefined ? {} : { parameters: set }),
            ...(seed === undefined ? {} : { seed }),
            ...(name === undefined ? {} : { name }),
          });
          if (clone.pipelineRun === undefined) {
            cli.output.facts(clone, () => {
              cli.output.line(`run ${clone.run} is opened, and waits for the script that made the first one; nothing was executed`);
              cli.output.line(`next, with MLFLOW_TRACKING_URI=${client.address}:`);
              for (const command of clone.commands) cli.output.line(`  ${command}`);
            });
            return exitCodes.ok;
          }
          const started = await client.get<PipelineRun>(`pipeline-runs/${clone.pipelineRun}`);
          if (detach === true) {
            cli.output.facts(clone, () =>
              cli.output.line(`pipeline run ${started.id} started; "gyre pipeline show ${started.id}" shows it`),
            );
            return exitCodes.ok;
          }
          const ended = await followRun(cli, client, started);
          const made = ended.steps.find(({ step }) => step === 'train')?.outputs?.['run'];
          if (ended.state === 'cancelled') return exitCodes.interrupted;
          if (ended.state !== 'succeeded' || typeof made !== 'string') return exitCodes.failed;
          const run = await client.get<Run>(`runs/${made}`);
          if (!cli.output.json) cli.output.line(`run ${run.id} (${run.name}); "gyre runs show ${run.id}" shows it`);
          return exitCodes.ok;
        }),
      ),
    );
}

function collected(text: string, before: Readonly<Record<string, number | string | boolean>> = {}): typeof before {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('PARAMETER=VALUE is needed, such as learning_rate=0.1.');
  const value = text.slice(at + 1);
  const number = Number(value);
  const known = value === 'true' || value === 'false' ? value === 'true' : value;
  return { ...before, [text.slice(0, at)]: value.trim() !== '' && Number.isFinite(number) ? number : known };
}
