import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { DatasetVersion, QualityCheck } from '#contract';
import type { Bind } from '../../verb.ts';
import { examples } from '../../verb.ts';

interface Ingested {
  readonly version: DatasetVersion;
  readonly created: boolean;
  readonly violations: readonly QualityCheck[];
}

/** Sources into versions. */
export function registerDataAdd(data: Command, bind: Bind): void {
  data
    .command('add')
    .description('Ingests a dataset of the project; the same bytes again are the same version.')
    .argument('<dataset>', 'its name in gyre.yaml')
    .option('--file <file>', 'another file than gyre.yaml names')
    .addHelpText('after', examples('gyre data add customers', 'gyre data add customers --file data/2027-01.csv'))
    .action(
      bind<{ file?: string }>((cli, options, dataset) =>
        cli.withClient(async (client) => {
          const path = options.file === undefined ? {} : { path: resolve(cli.host.folder, options.file) };
          const ingested = await client.post<Ingested>('datasets', { dataset, ...path });
          cli.output.facts(ingested, () => {
            const { version, created, violations } = ingested;
            cli.output.line(`${version.digest} ${created ? 'is new' : 'was there already'}: ${version.manifest.rows} rows`);
            for (const { message } of violations) cli.output.line(`  against the reviewed schema: ${message}`);
          });
        }),
      ),
    );
}
