import type { Command } from 'commander';
import type { ModelImage } from '#contract';
import { listFlags, listQuery, pageNote } from '../lists.ts';
import type { ListFlags, Page } from '../lists.ts';
import { when } from '../output.ts';
import type { Bind } from '../verb.ts';

/** The verb that lists images which the platform made. */
export function registerPackageList(verb: Command, bind: Bind): void {
  listFlags(verb.command('list').description('Lists images that the platform made, newest first.'))
    .option('--model <name>', 'of one registered model')
    .action(
      bind<ListFlags & { model?: string }>((cli, { model, ...flags }) =>
        cli.withClient(async (client) => {
          const page = await client.get<Page<ModelImage>>('model-images', { ...listQuery(flags), model });
          cli.output.facts(page, () => {
            cli.output.table(page.items, [
              { title: 'ID', of: ({ id }) => id },
              { title: 'WHEN', of: ({ madeAt }) => when(madeAt) },
              { title: 'OF', of: (one) => `${one.model}/${one.version}` },
              { title: 'FOR', of: ({ architecture, environment }) => [`linux/${architecture}`, environment ?? []].flat().join(', ') },
              { title: 'IMAGE', of: ({ image, digest }) => image ?? digest },
            ]);
            pageNote(cli, page);
          });
        }),
      ),
    );
}
