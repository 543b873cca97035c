import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { Type } from 'typebox';
import { Check } from 'typebox/schema';
import { encodeRows } from '#contract';
import type { InputColumn, NamedRow, Signature } from '#contract';
import { GyreError, isoInstant, sha256 } from '#core';
import type { Clock } from '#core';
import type { Feeds } from '#onnx';
import { signatureOfGraph } from '../brought/graph-signature.ts';
import { outputsOf } from '../package/signature.ts';
import { ColumnAnswers, columnParity, parityText, TensorAnswers, tensorParity } from './conversion-parity.ts';
import type { Parity } from './conversion-parity.ts';
import { convertSource, digestOfSource, exists } from './convert-source.ts';
import type { ConvertSource, FileFacts } from './convert-source.ts';
import { runConverter } from './run-converter.ts';
import type { ConvertLimits } from './run-converter.ts';

export interface ConvertOptions extends FileFacts {
  /**
   * A model folder of MLflow's (sklearn, lightgbm, xgboost, pytorch, keras, tensorflow), a saved model of TensorFlow's, a program of torch.export
   * (.pt2), TorchScript (.pt), a state_dict with its `class`, Keras's .keras or .h5; or a file of an estimator by itself: a pickle (.pkl, .joblib),
   * XGBoost's .json or .ubj, LightGBM's .txt. Of such a file the rows' columns are what it takes.
   */
  readonly model: string;
  /** The folder that is made; there must be none yet. */
  readonly output: string;
  /** The user's own interpreter, which has what the model needs, and the converters. */
  readonly python: string;
  /** Where the module of `class` lies. */
  readonly classPath?: string;
  /** Rows to compare both on, of a model on columns; default: its input example. */
  readonly rows?: readonly NamedRow[];
  /** An .npy or .npz file of tensors to compare both on, of a model of tensors; default: tensors drawn by chance. */
  readonly examples?: string;
  /** Of a network on columns: what its numbers stand for, in their order. */
  readonly classes?: readonly string[];
  /** Whether these numbers are logits; then the graph makes probabilities of them. */
  readonly logits?: boolean;
  /** How far a number of the graph may lie from the model's, in shares of its size, or of 1 where it is smaller. */
  readonly tolerance: number;
  /** Keeps a graph that lies further away. */
  readonly accept: boolean;
  readonly limits?: ConvertLimits;
  readonly signal?: AbortSignal;
  /** Told each line that the model and its converter print. */
  readonly onLine?: (line: string) => void;
  readonly clock: Clock;
}

/** What a conversion came to; `conversion.json` of the new folder holds the same. */
export interface Conversion {
  readonly format: 'gyre.conversion.v1';
  /** Digest of the list of the model's files, or of its file. */
  readonly from: string;
  readonly flavors: readonly string[];
  readonly onnx: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly convertedAt: string;
  readonly parity: Parity;
  /** Whether it was kept although the two differ by more than the tolerance. */
  readonly accepted: boolean;
}

interface Converted {
  readonly onnx: Uint8Array;
  readonly parity: Parity;
  readonly versions: Readonly<Record<string, string>>;
  /** Absent where the graph alone says what it takes and gives. */
  readonly signature: Signature;
  readonly example?: NamedRow;
}

const SplitExample = Type.Object({ columns: Type.Array(Type.String()), data: Type.Array(Type.Array(Type.Unknown())) });
/** Given to the random numbers that a model of tensors is compared on, so that a conversion says the same again. */
const exampleSeed = 1;

/**
 * Converts a model to an ONNX graph by the public converters in the user's own Python, and compares what both say. The model is loaded there,
 * which executes code from its files; here the graph alone is run.
 * @returns what the new folder's `conversion.json` says
 * @throws GyreError INVALID_ARGUMENT when there is no such model, rows are missing or do not fit, or there is an output already;
 * FAILED_PRECONDITION when the converter fails (with its words), or the two differ by more than the tolerance and that was not accepted;
 * DEADLINE_EXCEEDED, ABORTED
 */
export async function convertModel(options: ConvertOptions): Promise<Conversion> {
  const output = resolve(options.output);
  if (await exists(output)) throw new GyreError('INVALID_ARGUMENT', `${output} is there already: name a folder that is not`, { output });
  const source = await convertSource(resolve(options.model), options);
  const work = await mkdtemp(join(tmpdir(), 'gyre-convert-'));
  try {
    const { onnx, parity, versions, signature, example } =
      source.columns === undefined ? await ofTensors(options, source, work) : await ofColumns(options, source, source.columns, work);
    const agrees = parity.maxRelative <= options.tolerance && (parity.labelAgreement ?? 1) === 1;
    if (!agrees && !options.accept)
      throw new GyreError(
        'FAILED_PRECONDITION',
        `the graph does not say what the model says: ${parityText(parity)}; allowed is ${options.tolerance}. Nothing is written; accept it (--accept) or allow more (--tolerance)`,
        { parity },
      );
    const conversion: Conversion = {
      format: 'gyre.conversion.v1',
      from: await digestOfSource(resolve(options.model)),
      flavors: source.names,
      onnx: sha256(onnx),
      versions,
      convertedAt: isoInstant(options.clock.now()),
      parity,
      accepted: !agrees,
    };
    await writePackage(output, { onnx, signature, example, conversion });
    return conversion;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function ofColumns(
  options: ConvertOptions,
  source: ConvertSource,
  columns: NonNullable<ConvertSource['columns']>,
  work: string,
): Promise<Converted> {
  const inputs = columns.map(({ name, type, required }): InputColumn => {
    const isText = type === 'string';
    return { name, type: isText ? 'string' : 'number', datatype: isText ? 'BYTES' : 'FP64', required };
  });
  const rows = (options.rows ?? (await exampleRows(options.model))).map((row) => pick(row, inputs));
  if (rows.length === 0) throw new GyreError('INVALID_ARGUMENT', 'there is no row to compare both on');
  const feeds = feedsOf(inputs, rows);
  const { onnx, said } = await converted(options, source, work, { columns, rows });
  if (!Check(ColumnAnswers, said)) throw new GyreError('INTERNAL', 'the converter left answers of another form');
  const { task, classes } = said;
  return {
    onnx,
    parity: await columnParity(onnx, feeds, said, {
      rows: rows.length,
      on: options.rows === undefined ? 'example' : 'rows',
      tolerance: options.tolerance,
    }),
    versions: said.versions,
    signature: { task, inputs, outputs: outputsOf(task, classes), classes },
    example: rows[0],
  };
}

async function ofTensors(options: ConvertOptions, source: ConvertSource, work: string): Promise<Converted> {
  if (options.rows !== undefined)
    throw new GyreError('INVALID_ARGUMENT', 'the model takes tensors, not rows of columns: compare on an .npy or .npz file (--examples)');
  const values = join(work, 'values.bin');
  const { onnx, said } = await converted(options, source, work, { values });
  if (!Check(TensorAnswers, said)) throw new GyreError('INTERNAL', 'the converter left answers of another form');
  const signature = signatureOfGraph(onnx);
  if (signature === undefined) throw new GyreError('FAILED_PRECONDITION', 'the graph takes or gives what is no dense tensor');
  return {
    onnx,
    parity: await tensorParity(onnx, said, await readFile(values), options.tolerance),
    versions: said.versions,
    signature: { ...signature, inputs: [] },
  };
}

async function converted(
  options: ConvertOptions,
  { kind, path, flavors, tensors, outputs }: ConvertSource,
  work: string,
  asked: object,
): Promise<{ readonly onnx: Uint8Array; readonly said: unknown }> {
  const [graph, answers] = [join(work, 'model.onnx'), join(work, 'answers.json')];
  const spec = {
    kind,
    path,
    flavors,
    tensors,
    outputs,
    class: options.class,
    classPath: options.classPath,
    classes: options.classes,
    logits: options.logits,
    examples: options.examples,
    seed: exampleSeed,
    graph,
    answers,
    ...asked,
  };
  await runConverter(options.python, work, spec, options.limits ?? {}, options);
  return { onnx: await readFile(graph), said: JSON.parse(await readFile(answers, 'utf8')) };
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

async function writePackage(
  output: string,
  { onnx, signature, example, conversion }: Pick<Converted, 'onnx' | 'signature' | 'example'> & { readonly conversion: Conversion },
): Promise<void> {
  await mkdir(dirname(output), { recursive: true });
  const fresh = await mkdtemp(`${output}.fresh-`);
  try {
    const json = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;
    await writeFile(join(fresh, 'model.onnx'), onnx);
    await writeFile(join(fresh, 'signature.json'), json(signature));
    if (example !== undefined) await writeFile(join(fresh, 'input_example.json'), json([example]));
    await writeFile(join(fresh, 'conversion.json'), json(conversion));
    await rename(fresh, output);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}
