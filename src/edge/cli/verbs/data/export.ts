import { createWriteStream } from 'node:fs';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import type { DatasetVersion } from '#contract';
import { GyreError } from '#core';
import type { Bind } from '../../verb.ts';
import { examples } from '../../verb.ts';

const formats = ['.parquet', '.csv', '.jsonl'] as const;

/** Rows as a file. */
export function registerDataExport(data: Command, bind: Bind): void {
  data
    .command('export')
    .description('Writes the rows of a version to a file, personal columns masked unless you may see them. An existing file is replaced.')
    .argument('<version>', 'a digest, or a name: customers is the newest version, customers@702a45d5 that one')
    .argument('<file>', `its format is told by its name: ${formats.join(', ')}`)
    .addHelpText('after', examples('gyre data export customers customers.parquet', 'gyre data export customers@702a45d5 customers.csv'))
    .action(
      bind<object>(async (cli, _options, version, file) => {
        const path = resolve(file);
        const format = formats.find((each) => each === extname(path).toLowerCase());
        if (format === undefined)
          throw new GyreError('INVALID_ARGUMENT', `"${basename(path)}" is of no format that can be written: ${formats.join(', ')} are`, {
            file,
          });
        await cli.withClient(async (client) => {
          // beside the file, so that it is replaced in one step or not at all
          const folder = await mkdtemp(join(dirname(path), '.gyre-export-'));
          try {
            const made = join(folder, `rows${format}`);
            const { digest, manifest } = await client.get<DatasetVersion>(`datasets/${encodeURIComponent(version)}`);
            await pipeline(await client.download(`datasets/${digest}/rows${format}`), createWriteStream(made));
            await rename(made, path);
            cli.output.facts({ file: path, rows: manifest.rows }, () => cli.output.line(`${manifest.rows} rows in ${file}`));
          } finally {
            await rm(folder, { recursive: true, force: true });
          }
        });
      }),
    );
}
