import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RecordImport, StartImport } from '#contract';
import type { Cli } from '../cli.ts';
import type { Client } from '../client.ts';
import { exitCodes } from '../exit-codes.ts';
import type { Page } from '../lists.ts';
import { when } from '../output.ts';
import type { Register, VerbResult } from '../verb.ts';
import { examples } from '../verb.ts';

const pollMs = 500;

export const registerImports: Register = (program, bind) => {
  const verb = program
    .command('import')
    .summary('bring records of other tools in')
    .description(
      'Brings in what other tools recorded: whole, counted, and again without doubling anything. An import that was cut short goes on when it is begun again. The exit code is 1 when something could not be taken.',
    );
  verb
    .command('mlflow')
    .summary('a running MLflow server, its database, or an mlruns folder')
    .description('Experiments, runs with every point, parameters, tags, datasets and files; what is deleted there is deleted here.')
    .argument('<source>', 'http(s)://host, an mlruns folder, an SQLite file, or postgresql://user:password@host/database')
    .option(
      '--artifacts <folder>',
      'a folder that files of the records may be read from; of a database also what mlflow-artifacts:/ stands for',
    )
    .option('--token-env <variable>', 'of a server: the variable that holds its token (default: MLFLOW_TRACKING_TOKEN)')
    .addHelpText(
      'after',
      examples(
        'gyre import mlflow http://mlflow.example:5000',
        'gyre import mlflow ./mlruns',
        'gyre import mlflow mlflow.db --artifacts /srv/mlartifacts',
      ),
    )
    .action(
      bind<{ artifacts?: string; tokenEnv?: string }>((cli, { artifacts, tokenEnv }, source) => {
        const token = cli.host.environment[tokenEnv ?? 'MLFLOW_TRACKING_TOKEN'];
        return bringIn(cli, {
          kind: 'mlflow',
          source: source.includes('://') ? source : resolve(cli.host.folder, source),
          ...(artifacts === undefined ? {} : { artifacts: resolve(cli.host.folder, artifacts) }),
          ...(token === undefined || !/^https?:/.test(source) ? {} : { token }),
        });
      }),
    );
  verb
    .command('tensorboard')
    .summary('a folder of event files')
    .description(
      'Scalars, hyperparameters and texts; each folder with event files is a run, by its path. The same folder again adds what came since.',
    )
    .argument('<folder>', 'the log folder, as TensorBoard takes it')
    .option('--experiment <name>', 'the experiment that the runs go to (default: the folder’s name)')
    .option('--watch', 'go on with what is written, until Ctrl-C')
    .addHelpText('after', examples('gyre import tensorboard runs --experiment churn', 'gyre import tensorboard runs --watch'))
    .action(
      bind<{ experiment?: string; watch?: boolean }>((cli, { experiment, watch = false }, folder) =>
        bringIn(cli, {
          kind: 'tensorboard',
          source: resolve(cli.host.folder, folder),
          watch,
          ...(experiment === undefined ? {} : { experiment }),
        }),
      ),
    );
  verb
    .command('wandb')
    .summary('folders that wandb wrote runs to, offline or not')
    .description(
      'Configuration, history, system metrics, summary, notes, tags and files of runs. The same folder again adds what came since.',
    )
    .argument('<folder>', 'a project’s folder, its wandb folder, or the folder of one run')
    .option('--experiment <name>', 'the experiment that the runs go to (default: the project of each)')
    .option('--artifacts <folder>', 'a folder that saved files and artifacts may be read from, such as ~/.local/share/wandb')
    .addHelpText('after', examples('gyre import wandb ./wandb', 'gyre import wandb . --artifacts ~/.local/share/wandb --experiment churn'))
    .action(
      bind<{ experiment?: string; artifacts?: string }>((cli, { experiment, artifacts }, folder) =>
        bringIn(cli, {
          kind: 'wandb',
          source: resolve(cli.host.folder, folder),
          ...(experiment === undefined ? {} : { experiment }),
          ...(artifacts === undefined ? {} : { artifacts: resolve(cli.host.folder, artifacts) }),
        }),
      ),
    );
  verb
    .command('dvclive')
    .summary('folders of DVCLive')
    .description(
      'Parameters, metrics, summary, plots, images and artifacts; each folder of DVCLive is a run. Other parameters make another run.',
    )
    .argument('<folder>', 'a folder that DVCLive wrote to, or one above it')
    .option('--experiment <name>', 'the experiment that the runs go to (default: the name of the folder above)')
    .addHelpText('after', examples('gyre import dvclive ./dvclive --experiment churn'))
    .action(
      bind<{ experiment?: string }>((cli, { experiment }, folder) =>
        bringIn(cli, {
          kind: 'dvclive',
          source: resolve(cli.host.folder, folder),
          ...(experiment === undefined ? {} : { experiment }),
        }),
      ),
    );
  verb
    .command('list')
    .summary('imports that were made')
    .action(
      bind((cli) =>
        cli.withClient(async (client) => {
          const { items } = await client.get<Page<RecordImport>>('imports');
          cli.output.facts(items, () =>
            cli.output.table(items, [
              { title: 'ID', of: ({ id }) => id },
              { title: 'KIND', of: ({ kind }) => kind },
              { title: 'SOURCE', of: ({ source }) => source },
              { title: 'STATE', of: ({ state }) => state },
              { title: 'RUNS', of: ({ counts }) => counts['runs']?.read ?? 0, align: 'right' },
              { title: 'REFUSED', of: refusedOf, align: 'right' },
              { title: 'STARTED', of: ({ startedAt }) => when(startedAt) },
            ]),
          );
        }),
      ),
    );
};

export const registerExport: Register = (program, bind) => {
  program
    .command('export')
    .summary('write records out for other tools')
    .command('mlruns')
    .summary('an mlruns folder, which MLflow’s clients open by file:')
    .description(
      'Writes experiments, runs, logged models and registered models as MLflow’s file store keeps them. What is there already is left.',
    )
    .argument('<folder>', 'made where there is none')
    .addHelpText('after', examples('gyre export mlruns ./mlruns', 'MLFLOW_ALLOW_FILE_STORE=true mlflow ui --backend-store-uri ./mlruns'))
    .action(
      bind((cli, _options, folder) =>
        cli.withClient(async (client) => {
          const { exportMlruns } = await import('#imports');
          const { address, token } = client.options;
          const written = await exportMlruns({
            address,
            ...(token === undefined ? {} : { token }),
            folder: resolve(cli.host.folder, folder),
            signal: cli.host.signal,
            progress: (counts) => sayProgress(cli, counts),
          });
          cli.output.facts(written, () =>
            report(
              cli,
              { source: folder, state: written.error === undefined ? 'finished' : 'failed', ...written, refusals: [...written.refusals] },
              'WRITTEN',
            ),
          );
          if (cli.host.signal.aborted) return exitCodes.interrupted;
          return written.error === undefined && written.refusals.length === 0 ? exitCodes.ok : exitCodes.failed;
        }),
      ),
    );
};

function sayProgress({ output }: Pick<Cli, 'output'>, { runs, points, artifacts }: RecordImport['counts']): void {
  output.note(output.style('dim', `${runs?.read ?? 0} runs, ${points?.read ?? 0} points, ${artifacts?.read ?? 0} files read`));
}

function bringIn(cli: Cli, request: StartImport): VerbResult {
  return cli.withClient(async (client) => {
    const ended = await follow(cli, client, await client.post<RecordImport>('imports', request));
    cli.output.facts(ended, () => report(cli, ended));
    if (ended.state === 'cancelled') return exitCodes.interrupted;
    return ended.state === 'finished' && refusedOf(ended) === 0 && ended.refusals.length === 0 ? exitCodes.ok : exitCodes.failed;
  });
}

/** Ctrl-C stops the import. */
async function follow({ host, output }: Cli, client: Client, started: RecordImport): Promise<RecordImport> {
  let now = started;
  let told = performance.now();
  while (now.state === 'running') {
    await sleep(pollMs, undefined, { signal: host.signal }).catch(() => undefined);
    if (host.signal.aborted) {
      const { openClient } = await import('../client.ts');
      return openClient({ ...client.options, signal: AbortSignal.timeout(30_000) }).remove<RecordImport>(`imports/${now.id}`);
    }
    now = await client.get<RecordImport>(`imports/${now.id}`);
    if (performance.now() - told < 2_000) continue;
    told = performance.now();
    sayProgress({ output }, now.counts);
  }
  return now;
}

function report(
  { output }: Cli,
  { source, state, counts, refusals, error }: Pick<RecordImport, 'source' | 'state' | 'counts' | 'refusals' | 'error'>,
  taken = 'IMPORTED',
): void {
  output.table(
    Object.entries(counts),
    [
      { title: source, of: ([what]) => what },
      { title: 'READ', of: ([, { read }]) => read, align: 'right' },
      { title: taken, of: ([, { imported }]) => imported, align: 'right' },
      { title: 'HERE ALREADY', of: ([, { present }]) => present, align: 'right' },
      { title: 'REFUSED', of: ([, { refused }]) => refused, align: 'right' },
    ],
    `nothing in ${source}`,
  );
  for (const { what, why } of refusals) output.line(`${output.style('yellow', 'refused:')} ${what}: ${why}`);
  if (state !== 'finished')
    output.line(error === undefined ? `${state === 'cancelled' ? 'cancelled' : 'it did not end'}` : `it failed: ${error}`);
}

function refusedOf({ counts }: RecordImport): number {
  return Object.values(counts).reduce((sum, { refused }) => sum + refused, 0);
}
