import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { Type, type Static } from 'typebox';
import { Check } from 'typebox/schema';
import { encodeRows } from '#contract';
import type { InputColumn, NamedRow, PythonFlavors, Signature } from '#contract';
import { digestOf, GyreError, isoInstant, messageOf, sha256 } from '#core';
import type { Clock } from '#core';
import { openSession } from '#onnx';
import type { Feeds } from '#onnx';
import { readMlModel } from '../brought/mlmodel-file.ts';

export interface ConvertOptions {
  /** A model folder of MLflow's, of the flavour sklearn, lightgbm or xgboost. */
  readonly folder: string;
  /** The folder that is made; there must be none yet. */
  readonly output: string;
  /** The user's own interpreter, which has what the model needs, and the converters. */
  readonly python: string;
  /** Rows to compare both on; default: the model's input example. */
  readonly rows?: readonly NamedRow[];
  /** How far a number of the graph may lie from the model's, in shares of its size, or of 1 where it is smaller. */
  readonly tolerance: number;
  /** Keeps a graph that lies further away. */
  readonly accept: boolean;
  readonly clock: Clock;
}

/** What a conversion came to; `conversion.json` of the new folder holds the same. */
export interface Conversion {
  readonly format: 'gyre.conversion.v1';
  /** Digest of the list of the model's files. */
  readonly from: string;
  readonly flavors: readonly string[];
  readonly onnx: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly convertedAt: string;
  readonly parity: Parity;
  /** Whether it was kept although the two differ by more than the tolerance. */
  readonly accepted: boolean;
}

export interface Parity {
  readonly rows: number;
  readonly maxAbsolute: number;
  /** In shares of the model's own number, or of 1 where that is smaller. */
  readonly maxRelative: number;
  /** Share of rows whose label is the same; absent for regression. */
  readonly labelAgreement?: number;
  readonly tolerance: number;
}

const Answers = Type.Object({
  task: Type.Union([Type.Literal('binary'), Type.Literal('multiclass'), Type.Literal('regression')]),
  classes: Type.Array(Type.String()),
  labels: Type.Array(Type.String()),
  scores: Type.Array(Type.Number()),
  width: Type.Integer({ minimum: 1 }),
  versions: Type.Record(Type.String(), Type.String()),
});
type Answers = Static<typeof Answers>;
const SplitExample = Type.Object({ columns: Type.Array(Type.String()), data: Type.Array(Type.Array(Type.Unknown())) });

const converted: readonly string[] = ['sklearn', 'lightgbm', 'xgboost'];
const textTypes: ReadonlySet<string> = new Set(['string']);
const passedOn = ['PATH', 'LANG', 'LC_ALL', 'LD_LIBRARY_PATH'] as const;

/**
 * Converts a model to an ONNX graph by the public converters in the user's own Python, and compares what both say of some rows. The model is
 * loaded there, which executes code from its files; here the graph alone is run.
 * @returns what the new folder's `conversion.json` says
 * @throws GyreError INVALID_ARGUMENT when the folder is no such model, rows are missing or do not fit, or there is an output already;
 * FAILED_PRECONDITION when the converter fails (with its words), or the two differ by more than the tolerance and that was not accepted
 */
export async function convertModel(options: ConvertOptions): Promise<Conversion> {
  const folder = resolve(options.folder);
  const output = resolve(options.output);
  if (await exists(output)) throw new GyreError('INVALID_ARGUMENT', `${output} is there already: name a folder that is not`, { output });
  const { flavors, columns, names } = await modelIn(folder);
  const inputs = columns.map(({ name, type, required }): InputColumn => ({
    name,
    type: textTypes.has(type) ? 'string' : 'number',
    datatype: textTypes.has(type) ? 'BYTES' : 'FP64',
    required,
  }));
  const rows = (options.rows ?? (await exampleRows(folder))).map((row) => pick(row, inputs));
  const feeds = feedsOf(inputs, rows);
  const work = await mkdtemp(join(tmpdir(), 'gyre-convert-'));
  try {
    const [graph, answers] = [join(work, 'model.onnx'), join(work, 'answers.json')];
    await runConverter(options.python, work, { folder, flavors, columns, rows, graph, answers });
    const said: unknown = JSON.parse(await readFile(answers, 'utf8'));
    if (!Check(Answers, said)) throw new GyreError('INTERNAL', 'the converter left answers of another form');
    const onnx = await readFile(graph);
    const parity = await parityOf(onnx, feeds, said, rows.length, options.tolerance);
    const agrees = parity.maxRelative <= options.tolerance && (parity.labelAgreement ?? 1) === 1;
    if (!agrees && !options.accept)
      throw new GyreError(
        'FAILED_PRECONDITION',
        `the graph does not say what the model says: ${parityText(parity)}; allowed is ${options.tolerance}. Nothing is written; accept it (--accept) or allow more (--tolerance)`,
        { parity },
      );
    const conversion: Conversion = {
      format: 'gyre.conversion.v1',
      from: await digestOfFolder(folder),
      flavors: names,
      onnx: sha256(onnx),
      versions: said.versions,
      convertedAt: isoInstant(options.clock.now()),
      parity,
      accepted: !agrees,
    };
    await writePackage(output, { onnx, signature: signatureOf(inputs, said), rows: rows.slice(0, 1), conversion });
    return conversion;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** A parity in words. */
export function parityText({ rows, maxAbsolute, maxRelative, labelAgreement }: Parity): string {
  const labels = labelAgreement === undefined ? '' : `, ${(labelAgreement * 100).toFixed(1)} % of labels the same`;
  return `greatest difference ${maxAbsolute.toExponential(1)} (relative ${maxRelative.toExponential(1)})${labels} on ${rows} rows`;
}

async function modelIn(folder: string): Promise<{
  readonly flavors: PythonFlavors['flavors'];
  readonly columns: NonNullable<PythonFlavors['columns']>;
  readonly names: readonly string[];
}> {
  const text = await readFile(join(folder, 'MLmodel'), 'utf8').catch((error: unknown) => {
    throw new GyreError('INVALID_ARGUMENT', `${folder} is no model folder: its MLmodel file cannot be read (${messageOf(error)})`, {
      folder,
    });
  });
  const facts = readMlModel(text);
  const own = facts?.flavors.filter((name) => converted.includes(name)) ?? [];
  if (facts === undefined || own.length === 0)
    throw new GyreError(
      'INVALID_ARGUMENT',
      `${folder} has the flavours ${facts?.flavors.join(', ') ?? 'none'}; ${converted.join(', ')} are converted`,
      { folder },
    );
  const columns = facts.python?.columns;
  if (columns === undefined)
    throw new GyreError(
      'INVALID_ARGUMENT',
      `${folder} does not say by name which columns it takes: log it with a signature (infer_signature)`,
    );
  return {
    flavors: facts.python?.flavors.sklearn === undefined ? Object.fromEntries(own.map((name) => [name, {}])) : facts.python.flavors,
    columns,
    names: facts.flavors,
  };
}

async function exampleRows(folder: string): Promise<readonly NamedRow[]> {
  const text = await readFile(join(folder, 'input_example.json'), 'utf8').catch(() => undefined);
  const value: unknown = text === undefined ? undefined : JSON.parse(text);
  if (!Check(SplitExample, value))
    throw new GyreError('INVALID_ARGUMENT', `${folder} has no input example of columns: give rows to compare both on (--rows FILE)`);
  return value.data.map((cells) => Object.fromEntries(value.columns.map((name, at) => [name, cellOf(cells[at])])));
}

function cellOf(value: unknown): NamedRow[string] {
  return typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean' ? value : null;
}

function pick(row: NamedRow, inputs: readonly InputColumn[]): NamedRow {
  return Object.fromEntries(
    inputs.map(({ name, datatype }) => {
      const value = Object.hasOwn(row, name) ? row[name] : null;
      if (value === null) return [name, null];
      return [name, datatype === 'BYTES' ? String(value) : Number(value)];
    }),
  );
}

function feedsOf(inputs: readonly InputColumn[], rows: readonly NamedRow[]): Feeds {
  const encoded = encodeRows(
    inputs.map((input) => ({ ...input, required: false })),
    rows,
  );
  return Object.fromEntries(
    inputs.map(({ name }) => {
      const column = encoded[name];
      return [
        name,
        column.datatype === 'BYTES'
          ? ({ type: 'STRING', shape: column.shape, data: column.data } as const)
          : ({ type: 'DOUBLE', shape: column.shape, data: column.data } as const),
      ];
    }),
  );
}

async function runConverter(python: string, work: string, spec: object): Promise<void> {
  const child = spawn(python, ['-I', '-B', join(import.meta.dirname, 'convert.py')], {
    cwd: work,
    env: {
      ...Object.fromEntries(passedOn.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]]))),
      HOME: work,
      TMPDIR: work,
      MLFLOW_DISABLE_TELEMETRY: 'true',
    },
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-4000);
  });
  // One that ends before it has read all says why by its exit code.
  child.stdin.on('error', () => undefined);
  child.stdin.end(JSON.stringify(spec));
  const code = await new Promise<number | null>((done, failed) => {
    child.once('error', (error) => failed(new GyreError('FAILED_PRECONDITION', `${python} cannot be run: ${messageOf(error)}`)));
    child.once('close', done);
  });
  if (code === 0) return;
  const said = complaint.trim().split('\n').at(-1) ?? '';
  throw new GyreError('FAILED_PRECONDITION', `the model cannot be converted: ${said || `${python} ended with ${code ?? 'a signal'}`}`, {
    said: complaint.trim().split('\n').slice(-12),
  });
}

async function parityOf(onnx: Uint8Array, feeds: Feeds, said: Answers, rows: number, tolerance: number): Promise<Parity> {
  await using session = await openSession(onnx);
  const { label, probabilities, prediction } = await session.run(feeds);
  const scores = said.task === 'regression' ? prediction : probabilities;
  if (scores?.type !== 'FLOAT' || scores.data.length !== said.scores.length)
    throw new GyreError(
      'FAILED_PRECONDITION',
      `the graph gives ${scores?.data.length ?? 'no'} numbers; the model gives ${said.scores.length}`,
    );
  let [maxAbsolute, maxRelative] = [0, 0];
  said.scores.forEach((wanted, at) => {
    const difference = Math.abs(scores.data[at] - wanted);
    // One that is no number on one side alone differs beyond every tolerance.
    const off = Number.isNaN(difference) ? (Number.isNaN(wanted) && Number.isNaN(scores.data[at]) ? 0 : Number.MAX_VALUE) : difference;
    maxAbsolute = Math.max(maxAbsolute, off);
    maxRelative = Math.max(maxRelative, off / Math.max(1, Math.abs(wanted)));
  });
  const same = label?.type === 'STRING' ? label.data.filter((name, at) => name === said.labels[at]).length : 0;
  return { rows, maxAbsolute, maxRelative, ...(said.task === 'regression' ? {} : { labelAgreement: same / rows }), tolerance };
}

function signatureOf(inputs: readonly InputColumn[], { task, classes }: Answers): Signature {
  return {
    task,
    inputs: [...inputs],
    outputs:
      task === 'regression'
        ? [{ name: 'prediction', datatype: 'FP32', shape: [-1, 1] }]
        : [
            { name: 'label', datatype: 'BYTES', shape: [-1] },
            { name: 'probabilities', datatype: 'FP32', shape: [-1, classes.length] },
          ],
    classes,
  };
}

async function digestOfFolder(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = await Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(async (entry) => {
        const bytes = await readFile(join(entry.parentPath, entry.name));
        return { path: join(entry.parentPath, entry.name).slice(folder.length + 1), digest: sha256(bytes), size: bytes.byteLength };
      }),
  );
  return digestOf({ format: 'gyre.package.v1', files: files.sort((left, right) => (left.path < right.path ? -1 : 1)) });
}

async function writePackage(
  output: string,
  { onnx, signature, rows, conversion }: { onnx: Uint8Array; signature: Signature; rows: readonly NamedRow[]; conversion: Conversion },
): Promise<void> {
  await mkdir(dirname(output), { recursive: true });
  const fresh = await mkdtemp(`${output}.fresh-`);
  try {
    const json = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;
    await writeFile(join(fresh, 'model.onnx'), onnx);
    await writeFile(join(fresh, 'signature.json'), json(signature));
    await writeFile(join(fresh, 'input_example.json'), json(rows));
    await writeFile(join(fresh, 'conversion.json'), json(conversion));
    await rename(fresh, output);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
