import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import type { BatchProgress, BatchResult, ExistingOutput } from '#batch';
import { GyreError } from '#core';
import type { Cli } from '../cli.ts';
import { countOf } from '../work-progress.ts';

/** What `gyre predict --input` takes. */
export interface PredictTableFlags {
  readonly input?: string;
  readonly output?: string;
  readonly model?: string;
  readonly query?: string;
  readonly fromTable?: string;
  readonly toTable?: string;
  readonly replace?: boolean;
  readonly append?: boolean;
  readonly columns?: readonly string[];
  readonly features?: readonly string[];
  readonly partitionBy?: readonly string[];
  readonly ids?: boolean;
  readonly prefix?: string;
  readonly maxFailed?: number;
  readonly restart?: boolean;
  readonly work?: string;
  readonly partRows?: number;
  readonly workers?: number;
  readonly delimiter?: ',' | ';' | '\t' | '|';
  readonly dataset?: string;
}

/** A list with commas between. */
const names = (text: string): string[] =>
  text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');

function share(text: string): number {
  const value = text.endsWith('%') ? Number(text.slice(0, -1)) / 100 : Number(text);
  if (!(value >= 0 && value <= 1)) throw new InvalidArgumentError('A share from 0 to 1 is needed, such as 0.01 or 1%.');
  return value;
}

function delimiter(text: string): string {
  const sign = text === 'tab' ? '\t' : text;
  if (![',', ';', '\t', '|'].includes(sign)) throw new InvalidArgumentError('One of , ; | tab is needed.');
  return sign;
}

function workerCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1) throw new InvalidArgumentError('A whole number from 1 is needed.');
  return count;
}

/** Adds the options of batch predictions to the verb. */
export function predictTableOptions(command: Command): Command {
  return command
    .option(
      '--input <rows>',
      'a whole table: a file, a folder of Parquet, s3://, http(s)://, postgres://, mysql://, sqlite:FILE, dataset:NAME',
    )
    .option('--output <place>', 'where its predictions go: FILE.parquet, .csv, .jsonl, FOLDER/, s3://…, postgres://… or sqlite:FILE')
    .option('--model <model>', 'a package folder, a .onnx file, or a registered model: churn, churn/3, churn@champion, models:/churn/3')
    .option('--query <sql>', 'what is asked of the database that the rows come from')
    .option('--from-table <table>', 'or the table there, as a whole')
    .option('--to-table <table>', 'the table that is written into a database')
    .option('--replace', 'replaces what is there, when the new output is whole')
    .option('--append', 'adds to the table that is there')
    .option('--columns <names>', 'columns of the input that go along, with commas; all without it', names)
    .option('--features <names>', 'columns that fill the one wide tensor of a graph that names none, with commas', names)
    .option('--partition-by <names>', 'a folder for each combination of values of these columns, with commas', names)
    .option('--ids', 'a prediction id for each row')
    .option('--prefix <text>', 'before the names of added columns (default: prediction_)')
    .option('--max-failed <share>', 'publishes nothing when more rows fail (0.01, 1%); without it, when all do', share)
    .option('--delimiter <sign>', 'between the fields of a CSV, where it cannot be told: , ; | tab', delimiter)
    .option('--dataset <name>', 'of a registered model: the dataset whose version the predictions become')
    .option('--restart', 'throws away what an earlier run, broken off, has done')
    .option('--work <folder>', 'where parts lie meanwhile (default: beside the output)')
    .option(
      '--part-rows <count>',
      'rows of a part, which is kept when the run is broken off (default: by the number of columns)',
      workerCount,
    )
    .option('--workers <count>', 'worker threads (default: one for each core, eight at most)', workerCount);
}

/** Predicts a whole table: on this machine by a model on its disk, else by the platform. */
export async function predictTable(cli: Cli, flags: PredictTableFlags): Promise<void> {
  const { input, model } = flags;
  if (input === undefined || model === undefined)
    throw new GyreError(
      'INVALID_ARGUMENT',
      'name rows and model: --input FILE --model FOLDER|FILE.onnx|NAME, and --output where the predictions go',
    );
  const place = model.replace(/^[A-Za-z0-9][A-Za-z0-9._-]*=/, '');
  const isLocal = !model.startsWith('models:/') && existsSync(resolve(cli.host.folder, place));
  if (!isLocal) {
    if (model.endsWith('.onnx')) throw new GyreError('NOT_FOUND', `there is no file ${resolve(cli.host.folder, place)}`);
    const { predictRegistered } = await import('./batch-predictions.ts');
    return predictRegistered(cli, { ...flags, input, model });
  }
  return predictHere(cli, { ...flags, input, model });
}

/** @throws GyreError INVALID_ARGUMENT when both are said */
export function existingOf({ replace = false, append = false }: PredictTableFlags): ExistingOutput {
  if (replace && append) throw new GyreError('INVALID_ARGUMENT', '--replace and --append exclude each other');
  return replace ? 'replace' : append ? 'append' : 'refuse';
}

async function predictHere(cli: Cli, flags: PredictTableFlags & { readonly input: string; readonly model: string }): Promise<void> {
  const { host, output } = cli;
  if (flags.output === undefined) throw new GyreError('INVALID_ARGUMENT', 'where do the predictions go? --output FILE.parquet');
  if (flags.input.startsWith('dataset:') || flags.dataset !== undefined)
    throw new GyreError('INVALID_ARGUMENT', 'datasets are the platform’s: they go with a registered model (--model NAME)');
  const { inputFromText, targetFromText, usualWork } = await import('#batch');
  const source = inputFromText(flags.input, { ...given({ query: flags.query, table: flags.fromTable }) }, host.folder);
  const target = targetFromText(flags.output, { ...given({ table: flags.toTable, partitionBy: flags.partitionBy }) }, host.folder);
  const { columns, features, ids, prefix } = flags;
  const show = progressOf(cli);
  const started = performance.now();
  const app = await host.app();
  const result = await app.predictTable({
    projectFolder: cli.projectFolder,
    flags: cli.flags,
    environment: host.environment,
    model: absoluteModel(flags.model, host.folder),
    request: {
      input: { source },
      outputs: [{ target, existing: existingOf(flags) }],
      choices: {
        ...given({ columns, features, ids, prefix }),
        ...(flags.delimiter === undefined ? {} : { dialect: { delimiter: flags.delimiter } }),
      },
      work: flags.work === undefined ? usualWork(target, host.folder) : resolve(host.folder, flags.work),
      ...given({ maxFailed: flags.maxFailed, restart: flags.restart, partRows: flags.partRows, workers: flags.workers }),
      signal: host.signal,
      progress: show,
      say: (line) => output.note(line),
    },
  });
  output.progress('');
  output.facts(result, () => showResult(cli, result, performance.now() - started));
}

/** `NAME=` stays in front. */
function absoluteModel(text: string, folder: string): string {
  const [, name = '', place = text] = /^([A-Za-z0-9][A-Za-z0-9._-]*=)(.+)$/.exec(text) ?? [];
  return `${name}${resolve(folder, place)}`;
}

type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Without the members that nobody said. */
export function given<T extends object>(members: T): Given<T> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as Given<T>;
}

export function showResult(cli: Cli, { rows, predicted, failed, failures, outputs, model, input }: BatchResult, tookMs: number): void {
  cli.output.pairs([
    ['rows', `${countOf(rows)} read: ${countOf(predicted)} predicted, ${countOf(failed)} failed`],
    ['model', `${model.name}${model.version === undefined ? '' : `, version ${model.version}`}, package ${model.package.slice(0, 12)}`],
    ['input', `${input.address}, ${input.sha256.slice(0, 12)}`],
    ['output', outputs.join(' and ')],
    ['took', `${(tookMs / 1000).toFixed(1)} s`],
  ]);
  for (const failure of failures) cli.output.line(`  ${countOf(failure.rows)}  ${failure.reason}`);
}

/** A terminal's line is written over; elsewhere a line comes seldom, because it stays. */
const [terminalMs, lineMs] = [200, 5_000];

/** Says how far it is, on standard error. */
export function progressOf(cli: Cli): (progress: BatchProgress) => void {
  let [last, phase] = [-Infinity, ''];
  return (progress) => {
    if (cli.output.json) return;
    const now = performance.now();
    const isNew = progress.phase !== phase;
    if (!isNew && now - last < (cli.host.stderr.isTTY === true ? terminalMs : lineMs)) return;
    [last, phase] = [now, progress.phase];
    cli.output.progress(progressText(progress));
  };
}

export function progressText({ phase, rows, of, failed }: BatchProgress): string {
  if (of === 0) return `${phase} rows`;
  const bad = failed === 0 ? '' : `, ${countOf(failed)} failed`;
  return `${phase}: ${countOf(rows)} of ${countOf(of)} rows (${Math.floor((100 * rows) / of)} %)${bad}`;
}
