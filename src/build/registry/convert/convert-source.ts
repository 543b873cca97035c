import { readFile, readdir, stat } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import type { NamedRow, PythonFlavors, Signature } from '#contract';
import { digestOf, GyreError, messageOf, sha256 } from '#core';
import { readMlModel } from '../brought/mlmodel-file.ts';

/** Which converter takes a model; see convert.py. */
export type ConverterKind = 'estimator' | 'pytorch' | 'exported' | 'torchscript' | 'state_dict' | 'keras' | 'saved_model';

/** What a file does not say of itself. */
export interface FileFacts {
  /** `package.module:Class` of a file that holds a state_dict; it is made without arguments. */
  readonly class?: string;
  /** The tensors that the model takes, in their order. */
  readonly tensors?: Signature['outputs'];
  /** Rows of the columns that a file of an estimator takes, in their order. */
  readonly rows?: readonly NamedRow[];
}

/** A model that is to be converted, as the converter is told of it. */
export interface ConvertSource {
  readonly kind: ConverterKind;
  /** Where the converter finds it. */
  readonly path: string;
  /** Of MLflow's model folder; of a file what it is. */
  readonly names: readonly string[];
  readonly flavors: PythonFlavors['flavors'];
  /** Absent: it takes tensors. */
  readonly columns?: NonNullable<PythonFlavors['columns']>;
  /** Absent: the model says itself which tensors it takes. */
  readonly tensors?: Signature['outputs'];
  /** Names and types of what it gives, where somebody has said them. */
  readonly outputs?: Signature['outputs'];
}

/** Packages that convert each kind of model, beside what the model itself needs. */
export const convertersOf: Readonly<Record<ConverterKind, readonly string[]>> = {
  estimator: ['skl2onnx', 'onnxmltools', 'onnx', 'pandas'],
  pytorch: ['onnx', 'onnxscript', 'pandas'],
  exported: ['onnx', 'onnxscript'],
  torchscript: ['onnx', 'onnxscript'],
  state_dict: ['onnx', 'onnxscript'],
  keras: ['tf2onnx', 'onnx', 'pandas'],
  saved_model: ['tf2onnx', 'onnx', 'pandas'],
};

const estimators: readonly string[] = ['sklearn', 'lightgbm', 'xgboost'];
const networks: readonly string[] = ['pytorch', 'keras', 'tensorflow'];
const estimatorFiles: Readonly<Record<string, string>> = {
  '.pkl': 'pickle',
  '.pickle': 'pickle',
  '.joblib': 'joblib',
  '.json': 'xgboost',
  '.ubj': 'xgboost',
  '.txt': 'lightgbm',
};
/** Files that hold a model by themselves, in words. */
export const bareFiles =
  '.pkl or .joblib of scikit-learn, .json or .ubj of XGBoost, .txt of LightGBM, .pt2 or TorchScript (.pt) of PyTorch, .keras or .h5';
const kept = `an MLflow model folder (sklearn, lightgbm, xgboost, pytorch, keras, tensorflow), a saved model of TensorFlow’s, ${bareFiles}`;

/**
 * What a path holds that can be converted: a model folder of MLflow's, a saved model of TensorFlow's, or a file that holds a model by itself.
 * Nothing of it is loaded.
 * @throws GyreError INVALID_ARGUMENT naming what is there, or what nobody has said
 */
export async function convertSource(path: string, facts: FileFacts): Promise<ConvertSource> {
  const found = await stat(path).catch((error: unknown) => {
    throw new GyreError('INVALID_ARGUMENT', `${path} cannot be read: ${messageOf(error)}`, { path });
  });
  if (found.isFile()) return fileSource(path, facts);
  if (await exists(join(path, 'saved_model.pb'))) return { kind: 'saved_model', path, names: ['saved_model'], flavors: {} };
  const text = await readFile(join(path, 'MLmodel'), 'utf8').catch(() => {
    throw new GyreError('INVALID_ARGUMENT', `${path} is no model folder: it has neither an MLmodel file nor a saved_model.pb`, { path });
  });
  return folderSource(path, text, facts);
}

function fileSource(path: string, { class: named, tensors, rows }: FileFacts): ConvertSource {
  const common = { path, flavors: {}, ...(tensors === undefined ? {} : { tensors }) };
  const extension = extname(path).toLowerCase();
  if (named !== undefined) {
    if (!/^[\w.]+:\w+$/.test(named))
      throw new GyreError('INVALID_ARGUMENT', `"${named}" names no class: module:Class is wanted, such as pets.model:Net`);
    return { ...common, kind: 'state_dict', names: ['state_dict'] };
  }
  if (extension === '.pt2') return { ...common, kind: 'exported', names: ['torch.export'] };
  if (extension === '.keras' || extension === '.h5' || extension === '.hdf5') return { ...common, kind: 'keras', names: ['keras'] };
  if (extension === '.pt' || extension === '.pth' || extension === '.ts') return { ...common, kind: 'torchscript', names: ['torchscript'] };
  const estimator = estimatorFiles[extension];
  if (estimator !== undefined)
    return { path, kind: 'estimator', names: [estimator], flavors: {}, columns: columnsOf(rows ?? [], basename(path)) };
  throw new GyreError('INVALID_ARGUMENT', `${basename(path)} is none of what is converted: ${kept}`, { path });
}

/** The columns of rows, in the order of the first one: a text anywhere makes a column one of texts. */
function columnsOf(rows: readonly NamedRow[], file: string): NonNullable<ConvertSource['columns']> {
  const [first] = rows;
  if (first === undefined)
    throw new GyreError(
      'INVALID_ARGUMENT',
      `${file} does not say which columns it takes: give rows that have just these, in their order (--rows FILE)`,
    );
  return Object.keys(first).map((name) => {
    const isText = rows.some((row) => typeof row[name] === 'string');
    return { name, type: isText ? 'string' : 'double', required: false };
  });
}

async function folderSource(path: string, text: string, { tensors: said }: FileFacts): Promise<ConvertSource> {
  const facts = readMlModel(text);
  const known = facts?.flavors.filter((name) => estimators.includes(name) || networks.includes(name)) ?? [];
  if (facts === undefined || known.length === 0)
    throw new GyreError(
      'INVALID_ARGUMENT',
      `${path} has the flavours ${facts?.flavors.join(', ') ?? 'none'}; ${[...estimators, ...networks].join(', ')} are converted`,
      { path },
    );
  const { python, signature } = facts;
  const flavors = { ...Object.fromEntries(known.map((name) => [name, {}])), ...python?.flavors };
  const columns = python?.columns;
  const tensors = said ?? signature?.tensors;
  const shared = {
    names: facts.flavors,
    flavors,
    ...(columns === undefined ? {} : { columns }),
    ...(columns === undefined && tensors !== undefined ? { tensors } : {}),
    ...(columns === undefined && signature !== undefined ? { outputs: signature.outputs } : {}),
  };
  if (known.some((name) => estimators.includes(name))) {
    if (columns === undefined)
      throw new GyreError(
        'INVALID_ARGUMENT',
        `${path} does not say by name which columns it takes: log it with a signature (infer_signature)`,
      );
    return { ...shared, kind: 'estimator', path };
  }
  if (known.includes('pytorch')) return { ...shared, kind: 'pytorch', path };
  const file = await firstOf(path, ['data/model.keras', 'data/model.h5', 'data/model', 'tf2model', 'tfmodel']);
  return { ...shared, kind: /\.(keras|h5)$/.test(file) ? 'keras' : 'saved_model', path: file };
}

async function firstOf(folder: string, places: readonly string[]): Promise<string> {
  for (const place of places) if (await exists(join(folder, place))) return join(folder, place);
  throw new GyreError('INVALID_ARGUMENT', `${folder} has no model where MLflow keeps those of Keras and TensorFlow (${places.join(', ')})`);
}

/** Names a model by its bytes. @returns of a folder the digest of the list of its files, of a file its own */
export async function digestOfSource(path: string): Promise<string> {
  if ((await stat(path)).isFile()) return sha256(await readFile(path));
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const files = await Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(async (entry) => {
        const bytes = await readFile(join(entry.parentPath, entry.name));
        return { path: join(entry.parentPath, entry.name).slice(path.length + 1), digest: sha256(bytes), size: bytes.byteLength };
      }),
  );
  return digestOf({ format: 'gyre.package.v1', files: files.sort((left, right) => (left.path < right.path ? -1 : 1)) });
}

export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
