import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { DatasetIngestion, DatasetVersion } from '#contract';
import { followIngestion } from '../../follow-ingestion.ts';
import type { Bind } from '../../verb.ts';
import { examples } from '../../verb.ts';
import { addPaths, isDatasetName } from './add-paths.ts';

/** Sources into versions. */
export function registerDataAdd(data: Command, bind: Bind): void {
  data
    .command('add')
    .description(
      'Versions data. A dataset of gyre.yaml is ingested as a table; a file or folder goes into the content cache, with a .dvc file beside it. The same bytes again are the same version.',
    )
    .argument('<what...>', 'a dataset’s name in gyre.yaml, or files and folders')
    .option('--file <file>', 'another file or address (https://…, s3://…) than gyre.yaml names for the dataset')
    .addHelpText(
      'after',
      examples('gyre data add customers', 'gyre data add customers --file data/2027-01.csv', 'gyre data add images/ labels.csv'),
    )
    .action(
      bind<{ file?: string }>(async (cli, options, dataset, ...others) => {
        if (options.file === undefined && (others.length > 0 || !(await isDatasetName(cli, dataset)))) {
          return addPaths(cli, [dataset, ...others]);
        }
        return cli.withClient(async (client) => {
          const { file } = options;
          const path = file === undefined ? {} : { path: /^(https?|s3):/i.test(file) ? file : resolve(cli.host.folder, file) };
          const started = await client.post<DatasetIngestion>('dataset-ingestions', { dataset, ...path });
          const ingestion = await followIngestion(cli, client, started);
          const version = await client.get<DatasetVersion>(`datasets/${ingestion.version ?? ''}`);
          const created = ingestion.outcome === 'new';
          cli.output.facts({ version, created, ingestion }, () => {
            cli.output.line(`${version.digest} ${created ? 'is new' : 'was there already'}: ${version.manifest.rows} rows`);
            for (const line of [...sourceLines(ingestion), ...imageLines(ingestion)]) cli.output.line(`  ${line}`);
            for (const message of ingestion.violations ?? []) cli.output.line(`  against the reviewed schema: ${message}`);
            if (ingestion.error !== undefined) cli.output.line(`  ${ingestion.error}`);
          });
        });
      }),
    );
}

const lineEndWords = { lf: 'LF', crlf: 'CRLF', cr: 'CR', mixed: 'mixed' } as const;

/** How the source was read. */
function sourceLines({ dialect, watermark, newRows, outcome, images }: DatasetIngestion): string[] {
  return [
    ...(outcome === 'unchanged' && images === undefined ? ['there was nothing new in the source'] : []),
    ...(dialect === undefined
      ? []
      : [
          `CSV with ${JSON.stringify(dialect.delimiter)} between fields, ${lineEndWords[dialect.lineEnds]} line ends, "${dialect.decimal}" before decimals`,
        ]),
    ...(watermark?.from === undefined ? [] : [`${newRows ?? 0} rows beyond ${watermark.column} ${watermark.from}`]),
  ];
}

/** What a person would want to know of a folder of images. */
function imageLines({ images }: DatasetIngestion): string[] {
  if (images === undefined) return [];
  const { read, decoded, unreadable, missing, ignored, links } = images;
  const others = Object.entries(ignored).map(([extension, count]) => `${count} ${extension}`);
  return [
    `${read} files read, ${decoded} decoded; the others stand as they stood`,
    ...(unreadable > 0 ? [`${unreadable} images cannot be decoded: "gyre data quality" says which`] : []),
    ...(missing > 0 ? [`${missing} images are named by the labels and are not there`] : []),
    ...(others.length > 0 ? [`left aside, no images by their names: ${others.join(', ')}`] : []),
    ...(links > 0 ? [`${links} links, which are not followed`] : []),
  ];
}
