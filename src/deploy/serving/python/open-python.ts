import { dirname, join } from 'node:path';
import { parse } from 'yaml';
import { datatypeOfElement, mlModelFacts } from '#contract';
import type { InputColumn, ManifestModel, Signature } from '#contract';
import { GyreError, messageOf } from '#core';
import type { Dimension, ElementType, Feeds, SessionValue, Tensor } from '#onnx';
import { exampleOf } from '../example.ts';
import type { PackageSource } from '../package-source.ts';
import { inUse } from './cache-use.ts';
import { interpreterFor } from './environment.ts';
import { packageFolder } from './package-folder.ts';
import { PythonSession } from './python-session.ts';
import type { PythonSettings } from './settings.ts';
import { workFolder } from './work-folder.ts';

/** A model that only Python can load. */
export interface PythonModel extends Pick<ManifestModel, 'name' | 'version' | 'package' | 'files' | 'signature'> {
  readonly python: { readonly folder: string };
}

export interface OpenPythonOptions {
  readonly source: PackageSource;
  /** Absent: no model in Python is loaded here. */
  readonly settings?: PythonSettings;
  /** The text of the package's `input_example.json`. */
  readonly example?: string;
  /** Milliseconds that have passed, from any start. */
  readonly elapsed: () => number;
}

/** What a data plane lists a model as that Python runs, as MLflow's own server does. */
export const pythonPlatform = 'mlflow_pyfunc';

/**
 * Loads a model of a Python flavour into processes of its own; loading executes code from the package there, never here.
 * @throws GyreError FAILED_PRECONDITION when that is not allowed here, the package says not what the model takes, no environment can be made,
 * or the model cannot be loaded; what the source throws
 */
export async function openPython(model: PythonModel, { source, settings, example, elapsed }: OpenPythonOptions): Promise<PythonSession> {
  const title = `${model.name} ${model.version}`;
  if (settings === undefined)
    throw new GyreError(
      'FAILED_PRECONDITION',
      `${title} has no ONNX graph: loading it executes code from its package in Python, which is not allowed here. Allow it with serve.python in gyre.yaml (gyre serve --python PATH, or --python-env DIR), or convert it (gyre convert)`,
      { package: model.package },
    );
  const place = await packageFolder(settings.cacheFolder, model, source, model.python.folder);
  const said = await describedBy(model, source);
  const { inputs, columns, tensors } = takenBy(title, model.signature, said.python?.columns);
  const python = await interpreterFor(place, settings);
  const session = await PythonSession.open({
    python,
    held: inUse([
      join(settings.cacheFolder, 'packages', model.package),
      ...(settings.environments === 'create' ? [dirname(dirname(python))] : []),
    ]),
    load: {
      folder: place,
      mlmodel: { flavors: said.python?.flavors ?? {} },
      ...(columns === undefined ? { tensors } : { columns }),
      outputs: model.signature.outputs,
      ...(model.signature.task === undefined ? {} : { task: model.signature.task }),
      classes: model.signature.classes,
    },
    inputs,
    processes: settings.processes ?? 1,
    limits: settings.limits ?? {},
    loadTimeoutMs: settings.loadTimeoutMs ?? 120_000,
    runTimeoutMs: settings.runTimeoutMs ?? 60_000,
    workFolder: () => workFolder(settings.cacheFolder),
    elapsed,
    onLine: (line) => settings.log?.({ model: title, python: line }, 'a model in Python says'),
    onDeath: (why) => settings.log?.({ model: title, why }, 'a Python process died and is started again'),
  });
  try {
    session.declareOutputs(await givenBy(session, model.signature, example));
    return session;
  } catch (error) {
    await session[Symbol.asyncDispose]();
    throw error;
  }
}

async function describedBy(model: PythonModel, source: PackageSource): Promise<NonNullable<ReturnType<typeof mlModelFacts>>> {
  const path = `${model.python.folder}MLmodel`;
  const file = model.files.find((one) => one.path === path);
  const text = file === undefined ? '' : Buffer.from(await source.read(file)).toString('utf8');
  let facts: ReturnType<typeof mlModelFacts>;
  try {
    facts = mlModelFacts(parse(text, { version: '1.1', maxAliasCount: 100 }));
  } catch {
    facts = undefined;
  }
  if (facts?.python !== undefined) return facts;
  throw new GyreError('FAILED_PRECONDITION', `${path} of ${model.name} ${model.version} names no flavour that Python loads`, {
    package: model.package,
  });
}

interface Taken {
  readonly inputs: readonly SessionValue[];
  /** By MLflow's names of types; undefined when the model takes tensors. */
  readonly columns?: readonly { readonly name: string; readonly type: string; readonly required: boolean }[];
  readonly tensors: NonNullable<Signature['tensors']>;
}

const columnTypes: Readonly<Record<InputColumn['type'], string>> = {
  number: 'double',
  integer: 'double',
  boolean: 'boolean',
  string: 'string',
  instant: 'datetime',
};

function takenBy(title: string, signature: Signature, logged: Taken['columns']): Taken {
  const { inputs, tensors = [] } = signature;
  if (inputs.length > 0) {
    const known = new Map(logged?.map((column) => [column.name, column]));
    return {
      inputs: inputs.map(({ name, datatype }) => ({ name, type: datatype === 'BYTES' ? 'STRING' : 'DOUBLE', shape: ['N', 1] })),
      columns: inputs.map(({ name, type, required }) => known.get(name) ?? { name, type: columnTypes[type], required }),
      tensors,
    };
  }
  if (tensors.length > 0)
    return {
      inputs: tensors.map(({ name, datatype, shape }) => ({ name, type: elementNamed(datatype), shape: dimensions(shape) })),
      tensors,
    };
  throw new GyreError(
    'FAILED_PRECONDITION',
    `nothing says what ${title} takes: log it with a signature (mlflow.models.infer_signature), or have it tested (gyre model test)`,
  );
}

function dimensions(shape: readonly number[]): Dimension[] {
  return shape.map((axis, at) => (axis >= 0 ? axis : at === 0 ? 'N' : ''));
}

function elementNamed(datatype: string): ElementType {
  for (const [element, name] of Object.entries(datatypeOfElement) as [ElementType, string][]) if (name === datatype) return element;
  return 'STRING';
}

/** What the model gives: as it answers the example, or as its signature says where it answers none. */
async function givenBy(session: PythonSession, signature: Signature, example: string | undefined): Promise<readonly SessionValue[]> {
  const { feeds, given } = exampleOf(signature, session.inputs, example);
  let outputs: Readonly<Record<string, Tensor>>;
  try {
    outputs = await session.run(feeds);
  } catch (error) {
    if (given) throw new GyreError('FAILED_PRECONDITION', `it fails on its own input example: ${messageOf(error)}`, {}, { cause: error });
    return signature.outputs.map(({ name, datatype, shape }) => ({ name, type: elementNamed(datatype), shape: dimensions(shape) }));
  }
  const rows = rowsOf(feeds);
  return Object.entries(outputs).map(([name, { type, shape }]) => ({
    name,
    type,
    shape: shape.map((axis, at) => (at === 0 && axis === rows ? 'N' : axis)),
  }));
}

function rowsOf(feeds: Feeds): number | undefined {
  const [first] = Object.values(feeds);
  return first?.shape[0];
}
