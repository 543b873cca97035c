import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { ArtifactFile, Experiment, MetricPoint, PipelineRun, Run, Study } from '#contract';
import { exitCodes } from '../exit-codes.ts';
import { stepLine } from '../follow-run.ts';
import { listFlags, listQuery, pageNote } from '../lists.ts';
import type { ListFlags, Page } from '../lists.ts';
import { short, when } from '../output.ts';
import type { Register } from '../verb.ts';
import { registerCloneRun } from './clone-run.ts';
import { registerRunComments } from './run-comments.ts';
import { registerSearchRuns } from './search-runs.ts';
import { registerStepItems } from './step-items.ts';
import { examples } from '../verb.ts';

export const registerRuns: Register = (program, bind) => {
  const pipeline = program
    .command('pipeline')
    .summary('pipeline runs: list, show, logs, items, cancel')
    .description('Pipeline runs and their steps.');
  listFlags(pipeline.command('ls').description('Lists pipeline runs, newest first.'))
    .option('--state <state>', 'waiting, running, succeeded, failed or cancelled')
    .action(
      bind<ListFlags & { state?: string }>((cli, options) =>
        cli.withClient(async (client) => {
          const page = await client.get<Page<PipelineRun>>('pipeline-runs', { ...listQuery(options), state: options.state });
          cli.output.facts(page, () => {
            cli.output.table(page.items, [
              { title: 'RUN', of: ({ id }) => id },
              { title: 'PIPELINE', of: (run) => run.pipeline },
              { title: 'STATE', of: ({ state }) => state },
              {
                title: 'STEPS',
                of: ({ steps }) => `${steps.filter(({ state }) => state === 'succeeded' || state === 'cached').length}/${steps.length}`,
              },
              { title: 'WHEN', of: ({ createdAt }) => when(createdAt) },
              { title: 'WHY', of: ({ reason }) => reason },
            ]);
            pageNote(cli, page);
          });
        }),
      ),
    );
  pipeline
    .command('show')
    .description('Shows a pipeline run with its steps.')
    .argument('<run>', 'its id')
    .action(
      bind<object>((cli, _options, id) =>
        cli.withClient(async (client) => {
          const run = await client.get<PipelineRun>(`pipeline-runs/${encodeURIComponent(id)}`);
          cli.output.facts(run, () => {
            cli.output.pairs([
              ['run', run.id],
              ['pipeline', run.pipeline],
              ['state', run.state],
              ['why', run.reason],
              ['by', run.createdBy.name],
              ['started', when(run.createdAt)],
              ['ended', run.endedAt === undefined ? undefined : when(run.endedAt)],
            ]);
            for (const step of run.steps) cli.output.line(stepLine(cli, step));
          });
        }),
      ),
    );
  pipeline
    .command('logs')
    .description('Prints the last lines that a step wrote.')
    .argument('<run>', 'the pipeline run’s id')
    .argument('<step>', 'the step’s name')
    .action(
      bind<object>((cli, _options, id, step) =>
        cli.withClient(async (client) => {
          const { lines } = await client.get<{ lines: readonly string[] }>(
            `pipeline-runs/${encodeURIComponent(id)}/steps/${encodeURIComponent(step)}/log`,
          );
          cli.output.facts({ lines }, () => lines.forEach((line) => cli.output.line(line)));
        }),
      ),
    );
  registerStepItems(pipeline, bind);
  pipeline
    .command('cancel')
    .description('Stops a pipeline run.')
    .argument('<run>', 'its id')
    .action(
      bind<object>((cli, _options, id) =>
        cli.withClient(async (client) => {
          const run = await client.post<PipelineRun>(`pipeline-runs/${encodeURIComponent(id)}/cancel`);
          cli.output.facts(run, () => cli.output.line(`pipeline run ${run.id}: ${run.state}`));
        }),
      ),
    );

  const runs = program
    .command('runs')
    .summary('training runs: list, search, show, clone, comment, metrics, artifacts')
    .description('Training runs: parameters, metrics, artifacts, what each was made from.');
  listFlags(runs.command('ls').description('Lists training runs, newest first.'))
    .option('--experiment <name>', 'of one experiment')
    .option('--study <id>', 'of one study')
    .addHelpText('after', examples('gyre runs ls --limit 5', 'gyre runs ls --study 0190… --json'))
    .action(
      bind<ListFlags & { experiment?: string; study?: string }>((cli, options) =>
        cli.withClient(async (client) => {
          const page = await client.get<Page<Run>>('runs', { ...listQuery(options), experiment: options.experiment, study: options.study });
          cli.output.facts(page, () => {
            cli.output.table(page.items, [
              { title: 'RUN', of: ({ id }) => id },
              { title: 'NAME', of: ({ name }) => name },
              { title: 'TRAINER', of: ({ trainer }) => trainer },
              { title: 'STATUS', of: ({ status }) => status },
              { title: 'METRICS', of: ({ metrics }) => metricsText(metrics) },
              { title: 'WHEN', of: ({ startedAt }) => when(startedAt) },
            ]);
            pageNote(cli, page);
          });
        }),
      ),
    );
  registerSearchRuns(runs, bind);
  registerCloneRun(runs, bind);
  registerRunComments(runs, bind);
  runs
    .command('show')
    .description('Shows a training run.')
    .argument('<run>', 'its id')
    .action(
      bind<object>((cli, _options, id) =>
        cli.withClient(async (client) => {
          const run = await client.get<Run>(`runs/${encodeURIComponent(id)}`);
          const artifacts = await client.get<Page<ArtifactFile>>(`runs/${encodeURIComponent(id)}/artifacts`, { all: 'true', limit: 100 });
          cli.output.facts({ ...run, artifacts: artifacts.items }, () => {
            cli.output.pairs([
              ['run', run.id],
              ['name', run.name],
              ['experiment', run.experiment],
              ['trainer', run.trainer],
              ['status', run.status],
              ['seed', run.seed],
              ['code', `${run.code.commit ?? 'no repository'}${run.code.dirty ? ' (with changes)' : ''}`],
              ['environment', run.environment && `gyre ${run.environment.gyre}, node ${run.environment.node}, ${run.environment.platform}`],
              ['started', when(run.startedAt)],
              ['ended', run.endedAt === undefined ? undefined : when(run.endedAt)],
              ['error', run.error],
            ]);
            cli.output.line();
            cli.output.table(Object.entries(run.parameters), [
              { title: 'PARAMETER', of: ([name]) => name },
              { title: 'VALUE', of: ([, value]) => value },
            ]);
            cli.output.line();
            cli.output.table(Object.entries(run.metrics), [
              { title: 'METRIC', of: ([name]) => name },
              { title: 'VALUE', of: ([, value]) => value, align: 'right' },
            ]);
            cli.output.line();
            cli.output.table(run.inputs, [
              { title: 'MADE FROM', of: ({ role }) => role },
              { title: 'NAME', of: ({ name }) => name },
              { title: 'DIGEST', of: ({ digest }) => short(digest) },
            ]);
            cli.output.line();
            cli.output.table(artifacts.items, [
              { title: 'ARTIFACT', of: ({ path }) => path },
              { title: 'BYTES', of: ({ size }) => size, align: 'right' },
              { title: 'DIGEST', of: ({ digest }) => short(digest) },
            ]);
            pageNote(cli, artifacts);
          });
        }),
      ),
    );
  runs
    .command('metric')
    .description('Prints the history of one metric.')
    .argument('<run>', 'the run’s id')
    .argument('<metric>', 'its key')
    .action(
      bind<object>((cli, _options, id, key) =>
        cli.withClient(async (client) => {
          const { items } = await client.get<Page<MetricPoint>>(`runs/${encodeURIComponent(id)}/metrics/${encodeURIComponent(key)}`);
          cli.output.facts(items, () =>
            cli.output.table(items, [
              { title: 'STEP', of: ({ step }) => step, align: 'right' },
              { title: key.toUpperCase(), of: ({ value }) => value, align: 'right' },
            ]),
          );
        }),
      ),
    );
  runs
    .command('pull')
    .description('Saves an artifact of a run.')
    .argument('<run>', 'the run’s id')
    .argument('<artifact>', 'its path, such as model.onnx')
    .argument('[file]', 'where to (default: the artifact’s own name here)')
    .action(
      bind<object>((cli, _options, id, artifact, file) =>
        cli.withClient(async (client) => {
          const bytes = await client.bytes(
            `runs/${encodeURIComponent(id)}/artifacts/${artifact.split('/').map(encodeURIComponent).join('/')}`,
          );
          const target = resolve(cli.host.folder, file ?? artifact.split('/').at(-1) ?? 'artifact');
          await writeFile(target, bytes);
          cli.output.facts({ file: target, bytes: bytes.length }, () => cli.output.line(`${target}: ${bytes.length} bytes`));
          return exitCodes.ok;
        }),
      ),
    );

  listFlags(program.command('experiments').summary('list experiments').description('Lists experiments.')).action(
    bind<ListFlags>((cli, options) =>
      cli.withClient(async (client) => {
        const page = await client.get<Page<Experiment>>('experiments', listQuery(options));
        cli.output.facts(page, () => {
          cli.output.table(page.items, [
            { title: 'ID', of: ({ id }) => id },
            { title: 'NAME', of: ({ name }) => name },
            { title: 'SINCE', of: ({ createdAt }) => when(createdAt) },
          ]);
          pageNote(cli, page);
        });
      }),
    ),
  );
  listFlags(
    program.command('studies').summary('list studies').description('Lists studies: searches over parameters, with their best run.'),
  ).action(
    bind<ListFlags>((cli, options) =>
      cli.withClient(async (client) => {
        const page = await client.get<Page<Study>>('studies', listQuery(options));
        cli.output.facts(page, () => {
          cli.output.table(page.items, [
            { title: 'STUDY', of: ({ id }) => id },
            { title: 'NAME', of: ({ name }) => name },
            { title: 'TRAINER', of: ({ trainer }) => trainer },
            { title: 'ALGORITHM', of: ({ algorithm }) => algorithm },
            { title: 'TRIALS', of: ({ trials }) => trials, align: 'right' },
            { title: 'METRIC', of: ({ metric }) => metric },
            { title: 'BEST RUN', of: ({ bestRun }) => bestRun },
          ]);
          pageNote(cli, page);
        });
      }),
    ),
  );
};

function metricsText(metrics: Readonly<Record<string, number>>): string {
  const entries = Object.entries(metrics);
  const chosen = [
    ...entries.filter(([name]) => name.startsWith('validation')),
    ...entries.filter(([name]) => !name.startsWith('validation')),
  ].slice(0, 3);
  return chosen.map(([name, value]) => `${name} ${value.toPrecision(4)}`).join(', ');
}
