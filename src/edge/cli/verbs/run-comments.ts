import type { Command } from 'commander';
import type { Mention, RunComment } from '#contract';
import { GyreError } from '#core';
import { when } from '../output.ts';
import type { Bind } from '../verb.ts';
import { examples } from '../verb.ts';

interface CommentOptions {
  readonly edit?: string;
  readonly delete?: string;
}

/** What people say about runs. */
export function registerRunComments(runs: Command, bind: Bind): void {
  runs
    .command('comment')
    .description('Comments on a run, or shows what was said about it. @name mentions somebody, who finds it under "gyre runs mentions".')
    .argument('<run>', 'its id')
    .argument('[text]', 'Markdown; without it the comments are shown')
    .option('--edit <comment>', 'change this comment of yours to the text')
    .option('--delete <comment>', 'delete this comment of yours')
    .addHelpText('after', examples('gyre runs comment 0190…', 'gyre runs comment 0190… "Why is it better, @kim?"'))
    .action(
      bind<CommentOptions>((cli, { edit, delete: gone }, id, text) =>
        cli.withClient(async (client) => {
          const path = `runs/${encodeURIComponent(id)}/comments`;
          const one = (comment: string): string => `${path}/${encodeURIComponent(comment)}`;
          if (gone !== undefined) {
            if (text !== undefined || edit !== undefined) throw new GyreError('INVALID_ARGUMENT', '--delete takes no text and no --edit');
            const left = await client.remove<{ items: RunComment[] }>(one(gone));
            return cli.output.facts(left.items, () => cli.output.line(`comment ${gone} is deleted`));
          }
          if (text === undefined) {
            if (edit !== undefined) throw new GyreError('INVALID_ARGUMENT', '--edit needs the new text');
            const { items } = await client.get<{ items: RunComment[] }>(path);
            return cli.output.facts(items, () => {
              if (items.length === 0) cli.output.line(cli.output.style('dim', 'nobody has said anything yet'));
              for (const comment of items) {
                cli.output.line(
                  `${cli.output.style('bold', comment.by.name)} ${cli.output.style('dim', `${when(comment.at)} ${comment.id}`)}`,
                );
                cli.output.line(`  ${comment.text.replaceAll('\n', '\n  ')}`);
              }
            });
          }
          const made =
            edit === undefined ? await client.post<RunComment>(path, { text }) : await client.put<RunComment>(one(edit), { text });
          const told = made.mentions.map(({ name }) => name).join(', ');
          return cli.output.facts(made, () => cli.output.line(`comment ${made.id}${told === '' ? '' : `; ${told} will find it`}`));
        }),
      ),
    );
  runs
    .command('mentions')
    .description('Shows the comments that mention you, newest first; from then on they count as seen.')
    .action(
      bind<object>((cli) =>
        cli.withClient(async (client) => {
          const { items, unseen } = await client.get<{ items: Mention[]; unseen: number }>('mentions');
          cli.output.facts(items, () =>
            cli.output.table(
              items,
              [
                { title: '', of: ({ seen }) => (seen ? '' : 'new') },
                { title: 'WHEN', of: ({ comment }) => when(comment.at) },
                { title: 'WHO', of: ({ comment }) => comment.by.name },
                { title: 'RUN', of: ({ run }) => run.id },
                { title: 'COMMENT', of: ({ comment }) => comment.text.slice(0, 200) },
              ],
              'nobody has mentioned you',
            ),
          );
          const [newest] = items;
          if (newest !== undefined && unseen > 0) await client.post('mentions/seen', { until: newest.comment.at });
        }),
      ),
    );
}
