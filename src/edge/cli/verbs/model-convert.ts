import type { Command } from 'commander';
import type { ModelConversion, ModelVersion, VersionConversion } from '#contract';
import { errorCodes, GyreError } from '#core';
import type { Cli } from '../cli.ts';
import type { Client } from '../client.ts';
import { followWork } from '../follow-work.ts';
import { listFlags, listQuery, pageNote } from '../lists.ts';
import type { ListFlags, Page } from '../lists.ts';
import { when } from '../output.ts';
import { readRows } from '../rows.ts';
import type { Bind } from '../verb.ts';
import { examples } from '../verb.ts';
import { tensorNamed } from './tensor-words.ts';
import { versionPath } from './model-reference.ts';

interface ConvertOptions {
  readonly rows?: string;
  readonly input?: readonly string[];
  readonly classes?: string;
  readonly logits?: boolean;
  readonly tolerance?: number;
  readonly accept?: boolean;
}

/** Verbs that make versions with a graph of those that only Python can load, and that follow how that goes. */
export function registerModelConvert(model: Command, bind: Bind): void {
  model
    .command('convert')
    .description(
      'Converts a version that only Python can load to an ONNX graph, which becomes the next version; one of a bare file (.pkl, .joblib, .json, .ubj, .txt, .pt, .pt2, .keras, .h5) as well. It executes code from the version’s files on the platform’s machine, where serve.python of the project allows that; gyre convert does it here. Ctrl-C stops it.',
    )
    .argument('<version>', 'such as churn/3')
    .option('--rows <file>', 'rows to compare both on: JSON, JSON Lines, CSV or Parquet (default: the model’s input example)')
    .option('--input <tensor...>', 'what a model takes that does not say so itself: NAME=FP32[N,3,96,96], in their order')
    .option('--classes <list>', 'of a network on columns: the classes that its numbers stand for, in their order')
    .option('--logits', 'these numbers are logits')
    .option('--tolerance <share>', 'how far a number may lie from the model’s, in shares of it, or of 1 (default: 0.0001)', Number)
    .option('--accept', 'keep a graph that lies further away')
    .addHelpText(
      'after',
      examples(
        'gyre model convert churn/3',
        'gyre model convert churn/3 --rows reference.csv --classes No,Yes --logits',
        'gyre model add churn model.ubj && gyre model convert churn/latest --rows reference.csv',
      ),
    )
    .action(
      bind<ConvertOptions>((cli, { rows: file, classes, input, ...options }, reference) =>
        cli.withClient(async (client) => {
          const rows = file === undefined ? undefined : await readRows(cli.host, file);
          const request: VersionConversion = {
            ...options,
            ...(rows === undefined ? {} : { rows: [...rows] }),
            ...(input === undefined ? {} : { tensors: input.map(tensorNamed) }),
            ...(classes === undefined ? {} : { classes: classes.split(',').map((name) => name.trim()) }),
          };
          const made = await follow(cli, client, await client.post(`${await versionPath(client, reference)}/convert`, request));
          cli.output.facts(made, () => cli.output.line(`${made.model}/${made.version}: ${made.description}`));
        }),
      ),
    );
  listFlags(model.command('conversions').description('Lists conversions on the platform, newest first; with an id shows one.'))
    .argument('[id]', 'the id of one')
    .option('--model <name>', 'of one registered model')
    .option('--stop', 'stops the one: nothing of it is kept')
    .addHelpText('after', examples('gyre model conversions', 'gyre model conversions 0193… --stop'))
    .action(
      bind<ListFlags & { model?: string; stop?: boolean }>((cli, { stop, model: name, ...flags }, id) =>
        cli.withClient(async (client) => {
          if (id !== undefined) {
            const path = `model-conversions/${encodeURIComponent(id)}`;
            const one = stop === true ? await client.remove<ModelConversion>(path) : await client.get<ModelConversion>(path);
            cli.output.facts(one, () => show(cli, one));
            return;
          }
          if (stop === true)
            throw new GyreError('INVALID_ARGUMENT', 'name the conversion to stop by its id: gyre model conversions ID --stop');
          const page = await client.get<Page<ModelConversion>>('model-conversions', { ...listQuery(flags), model: name });
          cli.output.facts(page, () => {
            cli.output.table(page.items, [
              { title: 'ID', of: (one) => one.id },
              { title: 'WHEN', of: ({ queuedAt }) => when(queuedAt) },
              { title: 'STATE', of: ({ state, stage }) => stage ?? state },
              { title: 'VERSION', of: ({ from }) => `${from.model}/${from.version}` },
              { title: 'BECAME', of: ({ from, made }) => (made === undefined ? '' : `${from.model}/${made.version}`) },
              { title: 'WHAT CAME OF IT', of: ({ parity, error }) => error ?? parity ?? '' },
            ]);
            pageNote(cli, page);
          });
        }),
      ),
    );
}

/** Waits for its end. @throws GyreError why it failed */
async function follow(cli: Cli, client: Client, started: ModelConversion): Promise<ModelVersion> {
  const conversion = await followWork(cli, client, started, {
    path: `model-conversions/${encodeURIComponent(started.id)}`,
    says: ({ stage, state, said }) => [stage ?? state, ...said.slice(-1)].join(': '),
    stopped: `stopped: of conversion ${started.id} nothing was kept`,
  });
  if (conversion.made !== undefined)
    return client.get<ModelVersion>(`models/${encodeURIComponent(conversion.from.model)}/versions/${conversion.made.version}`);
  const code = errorCodes.find((known) => known === conversion.code) ?? 'INTERNAL';
  throw new GyreError(code, conversion.error ?? `it was ${conversion.state}`, { conversion: started.id });
}

function show({ output }: Cli, { id, state, stage, from, made, parity, error, said, queuedAt, finishedAt }: ModelConversion): void {
  output.pairs([
    ['conversion', id],
    ['of', `${from.model}/${from.version}`],
    ['state', stage ?? state],
    ['became', made === undefined ? undefined : `${from.model}/${made.version}`],
    ['parity', parity],
    ['why', error],
    ['begun', when(queuedAt)],
    ['ended', finishedAt === undefined ? undefined : when(finishedAt)],
  ]);
  for (const line of said) output.line(output.style('dim', line));
}
