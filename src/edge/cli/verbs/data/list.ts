import type { Command } from 'commander';
import type { DatasetVersion } from '#contract';
import { listFlags, listQuery, pageNote } from '../../lists.ts';
import type { ListFlags, Page } from '../../lists.ts';
import { short, when } from '../../output.ts';
import type { Bind } from '../../verb.ts';

/** What there is, and what one version is made of. */
export function registerDataList(data: Command, bind: Bind): void {
  listFlags(data.command('ls').description('Lists dataset versions, newest first.'))
    .option('--dataset <name>', 'of one dataset')
    .action(
      bind<ListFlags & { dataset?: string }>((cli, options) =>
        cli.withClient(async (client) => {
          const page = await client.get<Page<DatasetVersion>>('datasets', { ...listQuery(options), dataset: options.dataset });
          cli.output.facts(page, () => {
            cli.output.table(page.items, [
              { title: 'VERSION', of: ({ digest }) => short(digest) },
              { title: 'DATASET', of: ({ dataset }) => dataset },
              { title: 'PART', of: ({ part }) => part },
              { title: 'ROWS', of: ({ manifest }) => manifest.rows, align: 'right' },
              { title: 'WHEN', of: ({ createdAt }) => when(createdAt) },
              { title: 'SOURCE', of: ({ source }) => source },
            ]);
            pageNote(cli, page);
          });
        }),
      ),
    );
  data
    .command('show')
    .description('Shows a dataset version: files, rows, columns, where it came from.')
    .argument('<version>', 'its digest, or the beginning of it')
    .action(
      bind<object>((cli, _options, digest) =>
        cli.withClient(async (client) => {
          const version = await client.get<DatasetVersion>(`datasets/${digest}`);
          cli.output.facts(version, () => {
            cli.output.pairs([
              ['version', version.digest],
              ['dataset', version.part === undefined ? version.dataset : `${version.dataset}, part ${version.part}`],
              ['rows', version.manifest.rows],
              ['rows file', version.rowsDigest],
              ['source', version.source],
              ['made from', version.manifest.derivedFrom?.parents.map(short).join(', ')],
              ['by', version.createdBy.name],
              ['when', when(version.createdAt)],
            ]);
            cli.output.line();
            if (version.manifest.files.length > 0) {
              cli.output.table(version.manifest.files, [
                { title: 'FILE', of: ({ path }) => path },
                { title: 'BYTES', of: ({ size }) => size, align: 'right' },
                { title: 'SHA-256', of: ({ sha256 }) => sha256 },
                { title: 'MD5', of: ({ md5 }) => md5 },
              ]);
              cli.output.line();
            }
            cli.output.table(version.schema.columns, [
              { title: 'COLUMN', of: ({ name }) => name },
              { title: 'TYPE', of: ({ type }) => type },
              { title: 'WHAT IT IS', of: ({ description }) => description ?? '' },
            ]);
          });
        }),
      ),
    );
}
