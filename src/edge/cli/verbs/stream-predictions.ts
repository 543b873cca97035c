import type { StreamPrediction } from '#contract';
import type { Cli } from '../cli.ts';
import { listFlags, listQuery, pageNote } from '../lists.ts';
import type { ListFlags, Page } from '../lists.ts';
import { short, when } from '../output.ts';
import { examples } from '../verb.ts';
import type { Register } from '../verb.ts';
import { wordsOf } from './predict-stream.ts';

/** Whether it is answered, waits for a broker, or has ended. */
const stateOf = ({ state, figures }: StreamPrediction): string => (state === 'running' ? (figures?.state ?? state) : state);

export const registerStreamPredictions: Register = (program, bind) => {
  const streams = program
    .command('stream-predictions')
    .summary('topics that the platform answers: list, show, stop')
    .description('Topics whose messages registered models answer on the platform. `gyre predict --stream …` begins one.');
  listFlags(streams.command('ls').description('Lists stream predictions, newest first.'))
    .option('--model <name>', 'of one registered model')
    .addHelpText('after', examples('gyre stream-predictions ls', 'gyre stream-predictions ls --model churn --json'))
    .action(
      bind<ListFlags & { model?: string }>((cli, options) =>
        cli.withClient(async (client) => {
          const page = await client.get<Page<StreamPrediction>>('stream-predictions', { ...listQuery(options), model: options.model });
          cli.output.facts(page, () => {
            cli.output.table(page.items, [
              { title: 'ID', of: ({ id }) => id },
              { title: 'BEGUN', of: ({ startedAt }) => when(startedAt) },
              { title: 'STATE', of: stateOf },
              { title: 'MODEL', of: ({ model }) => `${model.name}/${model.version}` },
              { title: 'TOPIC', of: ({ input }) => input },
              { title: 'LAG', of: ({ figures }) => figures?.lag, align: 'right' },
              { title: 'ANSWERED', of: ({ figures }) => figures?.published, align: 'right' },
              { title: 'DEAD', of: ({ figures }) => figures?.deadLetters, align: 'right' },
              { title: 'WHAT IS WRONG', of: ({ error, figures }) => error ?? figures?.waiting?.reason ?? '' },
            ]);
            pageNote(cli, page);
          });
        }),
      ),
    );
  streams
    .command('show')
    .description('Shows how a stream prediction stands.')
    .argument('<id>', 'its id')
    .action(
      bind<object>((cli, _options, id) =>
        cli.withClient(async (client) => {
          const found = await client.get<StreamPrediction>(`stream-predictions/${encodeURIComponent(id)}`);
          cli.output.facts(found, () => show(cli, found));
        }),
      ),
    );
  streams
    .command('stop')
    .description('Stops a stream prediction, when what it took is answered.')
    .argument('<id>', 'its id')
    .action(
      bind<object>((cli, _options, id) =>
        cli.withClient(async (client) => {
          const stopped = await client.remove<StreamPrediction>(`stream-predictions/${encodeURIComponent(id)}`);
          cli.output.facts(stopped, () => show(cli, stopped));
        }),
      ),
    );
};

function show(cli: Cli, stream: StreamPrediction): void {
  const { id, model, group, input, output, deadLetters, figures, error, startedAt, endedAt } = stream;
  cli.output.pairs([
    ['stream prediction', id],
    ['state', stateOf(stream)],
    ['model', `${model.name}/${model.version}, package ${short(model.package)}`],
    ['topic', input],
    ['group', group],
    ['answers', output],
    ['dead letters', deadLetters],
    ['so far', figures === undefined ? undefined : wordsOf(figures)],
    ['waits for', figures?.waiting?.reason],
    [
      'last dead letter',
      figures?.lastDeadLetter === undefined ? undefined : `${figures.lastDeadLetter.source}: ${figures.lastDeadLetter.reason}`,
    ],
    ['begun', when(startedAt)],
    ['ended', endedAt === undefined ? undefined : when(endedAt)],
    ['error', error],
  ]);
}
