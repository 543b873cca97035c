import type { Command } from 'commander';
import type { ModelVersion, VersionConversion } from '#contract';
import { readRows } from '../rows.ts';
import type { Bind } from '../verb.ts';
import { examples } from '../verb.ts';
import { versionPath } from './model-reference.ts';

interface ConvertOptions {
  readonly rows?: string;
  readonly classes?: string;
  readonly logits?: boolean;
  readonly tolerance?: number;
  readonly accept?: boolean;
}

/** The verb that makes a version with a graph of one that only Python can load. */
export function registerModelConvert(model: Command, bind: Bind): void {
  model
    .command('convert')
    .description(
      'Converts a version that only Python can load to an ONNX graph, which becomes the next version. It executes code from the version’s files on the platform’s machine, where serve.python of the project allows that; gyre convert does it here.',
    )
    .argument('<version>', 'such as churn/3')
    .option('--rows <file>', 'rows to compare both on: JSON, JSON Lines, CSV or Parquet (default: the model’s input example)')
    .option('--classes <list>', 'of a network on columns: the classes that its numbers stand for, in their order')
    .option('--logits', 'these numbers are logits')
    .option('--tolerance <share>', 'how far a number may lie from the model’s, in shares of it, or of 1 (default: 0.0001)', Number)
    .option('--accept', 'keep a graph that lies further away')
    .addHelpText(
      'after',
      examples('gyre model convert churn/3', 'gyre model convert churn/3 --rows reference.csv --classes No,Yes --logits'),
    )
    .action(
      bind<ConvertOptions>((cli, { rows: file, classes, ...options }, reference) =>
        cli.withClient(async (client) => {
          const rows = file === undefined ? undefined : await readRows(cli.host, file);
          const request: VersionConversion = {
            ...options,
            ...(rows === undefined ? {} : { rows: [...rows] }),
            ...(classes === undefined ? {} : { classes: classes.split(',').map((name) => name.trim()) }),
          };
          const made = await client.post<ModelVersion>(`${await versionPath(client, reference)}/convert`, request);
          cli.output.facts(made, () => cli.output.line(`${made.model}/${made.version}: ${made.description}`));
        }),
      ),
    );
}
