import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join, relative, resolve } from 'node:path';
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import type { SchemaComparison, SchemaDifference, SchemaFormat, SchemaImport, SchemaInForce, SchemaInference } from '#contract';
import { GyreError } from '#core';
import type { Cli } from '../../cli.ts';
import { exitCodes } from '../../exit-codes.ts';
import { examples } from '../../verb.ts';
import type { Bind, VerbResult } from '../../verb.ts';

interface OutFlags {
  readonly out?: string;
  readonly force?: boolean;
}
interface InferFlags extends OutFlags {
  readonly key?: string;
  readonly tight?: boolean;
  readonly why?: boolean;
}
interface ImportFlags extends OutFlags {
  readonly format?: SchemaFormat;
  readonly resource?: string;
}

/** Reviewed schemas: suggested by the rows, in force, compared, imported. */
export function registerDataSchema(data: Command, bind: Bind): void {
  const schema = data
    .command('schema')
    .summary('reviewed schemas: infer, show, diff, import')
    .description('Reviewed schemas: what every version of a dataset has to fit. gyre.yaml names the file of each with "expect".');
  outFlags(schema.command('infer'))
    .description('Writes the schema that rows suggest, for a person to review. Whatever it says holds in every row of them.')
    .argument('<what>', 'a data file, a dataset (its newest version), a version’s digest, or customers@702a45d5')
    .option('--key <column>', 'the column that names a row (default: the one that gyre.yaml names)')
    .option('--tight', 'hold later rows to the ranges and lengths that were seen')
    .option('--why', 'say as comments what was seen; they change with the rows')
    .addHelpText(
      'after',
      examples('gyre data schema infer customers.csv --why', 'gyre data schema infer customers --out schemas/customers.yaml'),
    )
    .action(bind<InferFlags>(infer));
  schema
    .command('show')
    .description('Shows the schema that versions of a dataset are held against today.')
    .argument('<dataset>', 'the dataset’s name')
    .action(
      bind<object>((cli, _options, dataset) =>
        cli.withClient(async (client) => {
          const found = await client.get<SchemaInForce>(`dataset-schemas/${encodeURIComponent(dataset)}`);
          cli.output.facts(found, () => {
            cli.output.note(
              found.origin === 'reviewed'
                ? `${dataset} is held against ${found.file ?? 'a reviewed schema'}`
                : `${dataset} has no reviewed schema; its newest version was read with these types`,
            );
            cli.host.stdout.write(found.text);
          });
        }),
      ),
    );
  schema
    .command('diff')
    .description(
      'Says how rows and the dataset’s reviewed schema differ: what they break, what they suggest, what it allows and no row has. Exit code 1 when the rows do not fit.',
    )
    .argument('<dataset>', 'the dataset’s name')
    .argument('[rows]', 'a version’s digest, or a data file (default: the newest version)')
    .option('--schema <file>', 'of a data file: another schema than the one that gyre.yaml names')
    .addHelpText(
      'after',
      examples('gyre data schema diff customers', 'gyre data schema diff customers new.csv', 'gyre data schema diff customers 702a45d5'),
    )
    .action(bind<{ readonly schema?: string }>(diff));
  outFlags(schema.command('import'))
    .description('Reads a schema that was written for another tool as a reviewed one, and names what it cannot take over.')
    .argument('<file>', 'schema.pbtxt of TensorFlow Data Validation, a JSON Schema, a Frictionless Table Schema (or resource, or package)')
    .option('--format <format>', 'tfdv, json-schema or frictionless (default: told by the text)', formatOption)
    .option('--resource <name>', 'which resource of a Frictionless package')
    .addHelpText(
      'after',
      examples('gyre data schema import schema.pbtxt --out schemas/trips.yaml', 'gyre data schema import order.schema.json'),
    )
    .action(bind<ImportFlags>(importFile));
}

function outFlags(command: Command): Command {
  return command.option('--out <file>', 'write it there').option('--force', 'with --out: replace a file that is there');
}

function formatOption(text: string): SchemaFormat {
  if (text === 'tfdv' || text === 'json-schema' || text === 'frictionless') return text;
  throw new InvalidArgumentError('tfdv, json-schema or frictionless is needed.');
}

async function infer(cli: Cli, options: InferFlags, what: string): VerbResult {
  const file = await fileNamed(cli, what);
  const { key, tight = false, why = false } = options;
  const found =
    file === undefined
      ? await cli.withClient((client) =>
          client.get<SchemaInference>(`datasets/${encodeURIComponent(what)}/inferred-schema`, { key, tight, why }),
        )
      : await inferOfFile(cli, file, options);
  return give(cli, options, found, `${found.rows} rows, ${found.schema.columns.length} columns`);
}

async function inferOfFile(cli: Cli, file: string, { key, tight = false, why = false }: InferFlags): Promise<SchemaInference> {
  const { endOf } = await import('../../infer-table.ts');
  const { inferFile } = await import('#data');
  return inferFile(file, { now: endOf(cli.host.today()), tight, why, ...(key === undefined ? {} : { key }) });
}

async function importFile(cli: Cli, options: ImportFlags, file: string): VerbResult {
  const { importSchema } = await import('#data');
  const path = resolve(cli.host.folder, file);
  const text = await readText(path);
  const { out: _out, force: _force, ...how } = options;
  const found: SchemaImport = importSchema(text, { ...how, name: basename(path) });
  for (const { at, what } of found.notTaken) cli.output.note(`not taken over: ${at}: ${what}`);
  return give(
    cli,
    options,
    found,
    `${found.schema.columns.length} columns from ${basename(path)} (${found.format}), ${found.notTaken.length} parts not taken over`,
  );
}

/** Prints the text of a schema, or writes it: whole, or not at all. */
async function give(cli: Cli, { out, force = false }: OutFlags, found: { readonly text: string }, said: string): VerbResult {
  if (out === undefined) {
    cli.output.facts(found, () => cli.host.stdout.write(found.text));
    return exitCodes.ok;
  }
  const path = resolve(cli.host.folder, out);
  if (!force && (await stat(path).catch(() => undefined)) !== undefined)
    throw new GyreError('ALREADY_EXISTS', `there is a file ${out}: compare it with "gyre data schema diff", or replace it with --force`, {
      file: out,
    });
  const half = `${path}.${process.pid}.part`;
  try {
    await writeFile(half, found.text);
    await rename(half, path);
  } catch (error) {
    await rm(half, { force: true });
    throw new GyreError(
      'FAILED_PRECONDITION',
      `${out} cannot be written: is there such a folder, and may you write to it?`,
      { file: out },
      { cause: error },
    );
  }
  cli.output.facts({ ...found, file: path }, () => cli.output.line(`${said}: ${relative(cli.host.folder, path)}`));
  return exitCodes.ok;
}

async function diff(cli: Cli, options: { readonly schema?: string }, dataset: string, rows?: string): VerbResult {
  const file = rows === undefined ? undefined : await fileNamed(cli, rows);
  if (file === undefined && options.schema !== undefined)
    throw new GyreError('INVALID_ARGUMENT', '--schema is for a data file; a version is held against the schema that gyre.yaml names');
  const found =
    file === undefined
      ? await cli.withClient((client) => client.get<SchemaComparison>(`datasets/${encodeURIComponent(rows ?? dataset)}/schema-comparison`))
      : await compareOfFile(cli, file, dataset, options.schema);
  if (found.dataset !== undefined && found.dataset !== dataset)
    throw new GyreError('INVALID_ARGUMENT', `${rows ?? dataset} is a version of "${found.dataset}", not of "${dataset}"`);
  cli.output.facts(found, () => differenceLines(cli, found, dataset));
  return found.fits ? exitCodes.ok : exitCodes.failed;
}

async function compareOfFile(cli: Cli, file: string, dataset: string, schemaFile: string | undefined): Promise<SchemaComparison> {
  const { loadProject, loadTableSchema } = await import('#project');
  const { compareFile, personalColumns } = await import('#data');
  const { endOf } = await import('../../infer-table.ts');
  const now = endOf(cli.host.today());
  if (schemaFile !== undefined) {
    const schema = await loadTableSchema(cli.host.folder, schemaFile);
    return compareFile(file, schema, { now, masked: personalColumns(schema) });
  }
  const { schemas, resolved } = await loadProject(cli.projectFolder, { environment: cli.host.environment });
  if (!Object.hasOwn(schemas, dataset))
    throw new GyreError('FAILED_PRECONDITION', `gyre.yaml names no reviewed schema for "${dataset}": say "expect" there, or --schema`, {
      dataset,
    });
  const schema = schemas[dataset];
  const { key, dialect, timestamps } = resolved.datasets.find(({ name }) => name === dataset) ?? {};
  const masked = personalColumns(schema, resolved.charter.personalData?.columns);
  return compareFile(
    file,
    schema,
    { now, masked, ...(key === undefined ? {} : { key }) },
    { ...(dialect === undefined ? {} : { dialect }), ...(timestamps === undefined ? {} : { timestamps }) },
  );
}

const words = { broken: 'does not fit', suggested: 'could be said', unused: 'allowed in vain' } as const;
const styles = { broken: 'red', suggested: 'cyan', unused: 'dim' } as const;

function differenceLines(cli: Cli, { differences, fits, rows }: SchemaComparison, dataset: string): void {
  const { output } = cli;
  output.line(
    fits
      ? `${output.style('green', 'fits:')} ${rows} rows and the schema of ${dataset}`
      : `${output.style('red', 'does not fit:')} ${rows} rows and the schema of ${dataset}`,
  );
  for (const kind of ['broken', 'suggested', 'unused'] as const) {
    const own = differences.filter((each) => each.kind === kind);
    if (own.length === 0) continue;
    output.line();
    output.line(output.style('bold', kind === 'broken' && fits ? 'worth a warning' : words[kind]));
    for (const each of own) differenceLine(cli, each);
  }
}

function differenceLine({ output }: Cli, { kind, column, severity, message, examples: shown = [] }: SchemaDifference): void {
  const where = column === undefined || message.includes(column) ? '' : `${column}: `;
  output.line(`  ${output.style(severity === 'warning' ? 'yellow' : styles[kind], where + message)}`);
  for (const { row, value } of shown.slice(0, 3))
    if (row !== undefined) output.line(`      row ${row}: ${value === null ? '(missing)' : JSON.stringify(value)}`);
}

/** The path of a file of this name, when there is one. */
async function fileNamed({ host }: Cli, what: string): Promise<string | undefined> {
  const path = resolve(host.folder, what);
  if ((await stat(path).catch(() => undefined))?.isFile() === true) return path;
  if (/[\\/]|\.(csv|tsv|jsonl|ndjson|parquet|gz)$/i.test(what))
    throw new GyreError('NOT_FOUND', `there is no file ${join(host.folder, what)}`, { file: what });
  return undefined;
}

async function readText(path: string): Promise<string> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw new GyreError('NOT_FOUND', `there is no file ${path} that can be read`, { file: path }, { cause: error });
  });
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new GyreError('INVALID_ARGUMENT', `${path} is no text in UTF-8`, { file: path }, { cause: error });
  }
}
