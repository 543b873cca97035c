import type { Command } from 'commander';
import type { CollectedGarbage } from '#workspace';
import type { Cli } from '../../cli.ts';
import type { Bind } from '../../verb.ts';
import { examples } from '../../verb.ts';
import { sizeText } from '../../work-progress.ts';
import { counted, fewOf, inWorkspace } from './in-workspace.ts';

interface Flags {
  readonly apply?: boolean;
  readonly tips?: boolean;
  readonly grace: string;
}

/** What the cache need not keep. */
export function registerDataGc(data: Command, bind: Bind): void {
  data
    .command('gc')
    .description(
      'Lists objects of the cache that no .dvc file names, in the folder or in git’s history, and no recorded dataset version; --apply deletes them. What is younger than the grace period stays.',
    )
    .option('--apply', 'delete; without it nothing is')
    .option('--tips', 'of git’s history only the tips of branches and tags count')
    .option('--grace <duration>', 'what is younger stays, such as 1d', '1h')
    .addHelpText('after', examples('gyre data gc', 'gyre data gc --grace 7d --apply'))
    .action(
      bind<Flags>((cli, { grace, ...flags }) =>
        inWorkspace(cli, async ({ workspace, options }) => {
          const { parseDuration } = await import('#project');
          const found = await workspace.garbage({ ...options, ...flags, graceMs: parseDuration(grace) });
          cli.output.facts(found, () => sayCacheGarbage(cli, found));
        }),
      ),
    );
}

/** What was found in the cache. */
export function sayCacheGarbage(cli: Cli, { objects, named, kept, young, garbage, bytes, deleted }: CollectedGarbage): void {
  const { output } = cli;
  output.line(
    `${counted(objects, 'object')} in the cache, ${named} named by .dvc files${kept > 0 ? ` or dataset versions (${counted(kept, 'recorded path')})` : ''}${young > 0 ? `, ${young} too young to judge` : ''}`,
  );
  if (garbage.length === 0) {
    output.line('nothing is garbage');
    return;
  }
  output.line(
    `${counted(garbage.length, 'object')} (${sizeText(bytes)}) that no .dvc file names ${deleted ? 'deleted' : '; --apply deletes:'}`.replace(
      ' ;',
      ';',
    ),
  );
  fewOf(
    cli,
    '-',
    garbage.map(({ object, size }) => `${object}  ${sizeText(size)}`),
  );
}
