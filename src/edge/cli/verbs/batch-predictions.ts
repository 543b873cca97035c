import type { BatchPrediction } from '#contract';
import type { Cli } from '../cli.ts';
import { listFlags, listQuery, pageNote } from '../lists.ts';
import type { ListFlags, Page } from '../lists.ts';
import { short, when } from '../output.ts';
import { examples } from '../verb.ts';
import type { Register } from '../verb.ts';
import { registerBatchSchedules } from './batch-schedules.ts';
import { followBatch, requestOf, showBatch } from './follow-batch.ts';
import { progressText } from './predict-table.ts';
import type { PredictTableFlags } from './predict-table.ts';

/** Has the platform predict a table by a registered model, and follows it. Ctrl-C stops it. */
export async function predictRegistered(
  cli: Cli,
  flags: PredictTableFlags & { readonly input: string; readonly model: string },
): Promise<void> {
  const body = requestOf(flags);
  return cli.withClient(async (client) => {
    const started = await client.post<BatchPrediction>('batch-predictions', body);
    const ended = await followBatch(cli, client, started);
    cli.output.facts(ended, () => showBatch(cli, ended));
  });
}

export const registerBatchPredictions: Register = (program, bind) => {
  const batch = program
    .command('batch')
    .summary('predictions of whole tables: list, show, stop, again, by the clock')
    .description('Predictions of whole tables that the platform made or makes. `gyre predict --input …` begins one.');
  listFlags(batch.command('ls').description('Lists batch predictions, newest first.'))
    .option('--model <name>', 'of one registered model')
    .option('--schedule <name>', 'those that a schedule began')
    .addHelpText('after', examples('gyre batch ls', 'gyre batch ls --model churn --json'))
    .action(
      bind<ListFlags & { model?: string; schedule?: string }>((cli, options) =>
        cli.withClient(async (client) => {
          const page = await client.get<Page<BatchPrediction>>('batch-predictions', {
            ...listQuery(options),
            model: options.model,
            schedule: options.schedule,
          });
          cli.output.facts(page, () => {
            cli.output.table(page.items, [
              { title: 'ID', of: ({ id }) => id },
              { title: 'WHEN', of: ({ queuedAt }) => when(queuedAt) },
              { title: 'STATE', of: ({ state, progress }) => (progress === undefined ? state : progressText(progress)) },
              { title: 'MODEL', of: ({ model }) => `${model.name}/${model.version}` },
              { title: 'ROWS', of: ({ rows }) => rows, align: 'right' },
              { title: 'FAILED', of: ({ failed }) => failed, align: 'right' },
              { title: 'INPUT', of: ({ input }) => input.address },
              {
                title: 'DATASET',
                of: ({ dataset }) => (dataset.version === undefined ? dataset.name : `${dataset.name} ${short(dataset.version)}`),
              },
              { title: 'WHAT WENT WRONG', of: ({ error }) => error ?? '' },
            ]);
            pageNote(cli, page);
          });
        }),
      ),
    );
  batch
    .command('show')
    .description('Shows a batch prediction: how far it is, or what came of it.')
    .argument('<id>', 'its id')
    .action(
      bind<object>((cli, _options, id) =>
        cli.withClient(async (client) => {
          const found = await client.get<BatchPrediction>(`batch-predictions/${encodeURIComponent(id)}`);
          cli.output.facts(found, () => showBatch(cli, found));
        }),
      ),
    );
  batch
    .command('stop')
    .description('Stops a batch prediction: nothing of it is published.')
    .argument('<id>', 'its id')
    .action(
      bind<object>((cli, _options, id) =>
        cli.withClient(async (client) => {
          const stopped = await client.remove<BatchPrediction>(`batch-predictions/${encodeURIComponent(id)}`);
          cli.output.facts(stopped, () => showBatch(cli, stopped));
        }),
      ),
    );
  batch
    .command('again')
    .description('Predicts the same table once more, with what the same words name now; of one that failed, say.')
    .argument('<id>', 'its id')
    .action(
      bind<object>((cli, _options, id) =>
        cli.withClient(async (client) => {
          const { request } = await client.get<BatchPrediction>(`batch-predictions/${encodeURIComponent(id)}`);
          const ended = await followBatch(cli, client, await client.post<BatchPrediction>('batch-predictions', request));
          cli.output.facts(ended, () => showBatch(cli, ended));
        }),
      ),
    );
  registerBatchSchedules(batch, bind);
};
