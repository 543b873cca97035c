import type { BlobStore } from '#blobs';
import { pythonFolderOf } from '#contract';
import type { BroughtEvidence, ModelVersion, Signature } from '#contract';
import { GyreError } from '#core';
import type { Session } from '#onnx';
import type { Frame } from '#tables';
import { filesAsBrought } from './as-brought.ts';
import type { BroughtFile } from './as-brought.ts';
import { knownWiring } from './known-wiring.ts';
import { readMlModel } from './mlmodel-file.ts';
import { textReader } from './package-facts.ts';
import { settleWiring } from './settle-wiring.ts';
import type { ConvertLimits } from '../convert/run-converter.ts';
import type { AskedWiring, Wiring } from './settle-wiring.ts';

/** A model that only Python can load, as whoever runs it is told of it. */
export interface PythonPackage extends Pick<ModelVersion, 'files'> {
  readonly name: string;
  readonly version: string;
  readonly package: string;
  readonly signature: Signature;
  readonly python: { readonly folder: string };
}

/** A model that a process of its own runs. */
export interface PythonSession extends Session {
  readonly figures: {
    /** The version of Python. */
    readonly python: string;
    readonly libraries: Readonly<Record<string, string>>;
    /** The classes that the model itself names. */
    readonly classes?: readonly string[];
  };
}

/** Runs models that only Python can load, outside of this process: loading one executes code from its files. */
export interface PythonModels {
  /** Whether the project allows it now. */
  isAllowed(): boolean;
  /** @throws GyreError FAILED_PRECONDITION when that is not allowed here, or the model cannot be loaded */
  open(model: PythonPackage): Promise<PythonSession>;
  /**
   * The Python that converts a model, and what it may use.
   * @param folder the model's folder, with its lock
   * @param needs the packages that convert it, where an environment is made for it
   * @throws GyreError FAILED_PRECONDITION when that is not allowed here, or no environment can be made
   */
  converter(folder: string, needs: readonly string[]): Promise<{ readonly python: string; readonly limits: ConvertLimits }>;
}

/** A version's model behind named columns, run by Python. */
export interface PythonStanding {
  readonly wiring: Wiring;
  readonly python: NonNullable<BroughtEvidence['python']>;
}

const numberTypes: ReadonlySet<string> = new Set(['integer', 'long', 'boolean']);

/**
 * Settles how a model in Python takes the columns of a table: loads it once, so that it can say its classes itself.
 * @throws GyreError INVALID_ARGUMENT naming what does not fit the rows, or what nobody has said; FAILED_PRECONDITION when the model cannot
 * be loaded here
 */
export async function standPython(
  python: PythonModels,
  blobs: Pick<BlobStore, 'read'>,
  version: ModelVersion,
  asked: AskedWiring,
  frame: Frame,
): Promise<PythonStanding> {
  const name = titleOf(version);
  const files = filesAsBrought(version);
  const said = await textReader(blobs, files)('MLmodel');
  const logged = said === undefined ? undefined : readMlModel(said)?.python?.columns;
  const known = await knownWiring(blobs, files);
  const columns = asked.columns?.[''] ?? known.columns;
  if (columns.length === 0)
    throw new GyreError(
      'INVALID_ARGUMENT',
      `nothing says which columns ${name} takes: log it with a signature (mlflow.models.infer_signature), or name them in their order (--columns)`,
      { id: version.id },
    );
  const types = new Map(logged?.map((column) => [column.name, column.type]));
  const takes = columns.map((column) => {
    const isText = frame.has(column) && frame.column(column).kind === 'text';
    return {
      name: column,
      width: 1,
      isFlat: false,
      // Integers and booleans have no value that says there is none.
      type: isText ? ('STRING' as const) : numberTypes.has(types.get(column) ?? '') ? ('INT64' as const) : ('DOUBLE' as const),
    };
  });
  const inputs = columns.map((column) => ({
    name: column,
    type: 'number' as const,
    datatype: frame.has(column) && frame.column(column).kind === 'text' ? ('BYTES' as const) : ('FP64' as const),
    required: true,
  }));
  await using session = await python.open(pythonPackage(version, { inputs, outputs: [], classes: [] }));
  const { figures } = session;
  const classes = asked.classes ?? figures.classes;
  const width = classes?.length;
  const wiring = settleWiring(
    {
      takes,
      scores: [{ name: 'model', value: 'model', ...(width === undefined ? {} : { width }), ...(classes === undefined ? {} : { classes }) }],
      hasLabel: classes !== undefined,
      ...(classes === undefined ? {} : { classes }),
    },
    { ...asked, columns: {} },
    known,
    frame,
  );
  return {
    wiring,
    python: { version: figures.python, libraries: { ...figures.libraries }, flavors: [...(version.flavors ?? [])] },
  };
}

/** @throws GyreError FAILED_PRECONDITION where no Python runs models */
export function requirePython(python: PythonModels | undefined): PythonModels {
  if (python !== undefined) return python;
  throw new GyreError('FAILED_PRECONDITION', 'the model has no ONNX graph, and no Python runs models here');
}

/** A version as whoever runs it is told of it. */
export function pythonPackage(version: ModelVersion, signature: Signature): PythonPackage {
  return {
    name: version.model,
    version: String(version.version),
    package: version.package ?? '',
    files: version.files,
    signature,
    python: { folder: pythonFolderOf(version) ?? '' },
  };
}

/** The file that tells Python how to load a model. @throws GyreError FAILED_PRECONDITION when there is none */
export function mlModelFile(version: ModelVersion): BroughtFile {
  const file = filesAsBrought(version).find(({ path }) => path === 'MLmodel');
  if (file !== undefined) return file;
  throw new GyreError('FAILED_PRECONDITION', `${titleOf(version)} has no MLmodel file`, { id: version.id });
}

function titleOf({ model, version }: ModelVersion): string {
  return `version ${version} of "${model}"`;
}
