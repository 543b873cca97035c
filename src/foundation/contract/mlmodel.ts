import { Type } from 'typebox';
import { Check } from 'typebox/schema';
import type { InputColumn } from './features.ts';
import { pythonFlavors } from './model.ts';
import type { Signature } from './model.ts';

/** What MLflow's `MLmodel` file says of a model (mlflow/models/model.py, mlflow/types/schema.py). */
export interface MlModelFile {
  readonly flavors: readonly string[];
  /** Where the ONNX flavour has its graph, relative to the file. */
  readonly graph?: string;
  readonly signature?: Signature;
  /** Absent when no flavour of it is one that Python loads. */
  readonly python?: PythonFlavors;
}

/** How Python loads a model and calls it, in MLflow's words. */
export interface PythonFlavors {
  /** Flavour → what its loader needs to know, as the file says it. */
  readonly flavors: Readonly<Record<string, unknown>>;
  /** The version of Python that the model was made with. */
  readonly version?: string;
  /** Columns by MLflow's names of types; absent when the model takes tensors, or nobody has said it. */
  readonly columns?: readonly { readonly name: string; readonly type: string; readonly required: boolean }[];
}

const MlModel = Type.Object({
  flavors: Type.Record(Type.String(), Type.Unknown()),
  signature: Type.Optional(
    Type.Object({
      inputs: Type.Optional(Type.Union([Type.String(), Type.Null()])),
      outputs: Type.Optional(Type.Union([Type.String(), Type.Null()])),
    }),
  ),
});
const OnnxFlavor = Type.Object({ data: Type.String() });
const MadeWith = Type.Object({ python_version: Type.String() });
const Columns = Type.Array(
  Type.Object({ name: Type.Optional(Type.String()), type: Type.String(), required: Type.Optional(Type.Boolean()) }),
);
const Tensors = Type.Array(
  Type.Object({
    name: Type.Optional(Type.String()),
    type: Type.Literal('tensor'),
    'tensor-spec': Type.Object({ dtype: Type.String(), shape: Type.Array(Type.Integer()) }),
  }),
);

/**
 * What a model's `MLmodel` file says.
 * @param file its YAML, parsed
 * @returns undefined when it is no such file: whoever reads it can load the model without it
 */
export function mlModelFacts(file: unknown): MlModelFile | undefined {
  if (!Check(MlModel, file)) return undefined;
  const { onnx } = file.flavors;
  const signature = signatureFrom(file.signature?.inputs ?? undefined, file.signature?.outputs ?? undefined);
  return {
    flavors: Object.keys(file.flavors),
    ...(Check(OnnxFlavor, onnx) ? { graph: onnx.data } : {}),
    ...(signature === undefined ? {} : { signature }),
    ...pythonOf(file.flavors, file.signature?.inputs ?? undefined),
  };
}

function pythonOf(flavors: Readonly<Record<string, unknown>>, inputs: string | undefined): Pick<MlModelFile, 'python'> {
  const own = Object.entries(flavors).filter(([name]) => (pythonFlavors as readonly string[]).includes(name));
  if (own.length === 0) return {};
  const function_ = flavors['python_function'];
  const taken = parsed(() => JSON.parse(inputs ?? '[]'));
  const columns = Check(Columns, taken)
    ? taken.flatMap(({ name, type, required = true }) => (name === undefined ? [] : [{ name, type, required }]))
    : [];
  return {
    python: {
      flavors: Object.fromEntries(own),
      ...(Check(MadeWith, function_) ? { version: function_.python_version } : {}),
      ...(columns.length === 0 ? {} : { columns }),
    },
  };
}

const columnTypes: Readonly<Record<string, Pick<InputColumn, 'type' | 'datatype'>>> = {
  boolean: { type: 'boolean', datatype: 'FP64' },
  integer: { type: 'integer', datatype: 'FP64' },
  long: { type: 'integer', datatype: 'FP64' },
  float: { type: 'number', datatype: 'FP64' },
  double: { type: 'number', datatype: 'FP64' },
  string: { type: 'string', datatype: 'BYTES' },
  datetime: { type: 'instant', datatype: 'FP64' },
};
const outputTypes: Readonly<Record<string, string>> = { boolean: 'BOOL', integer: 'INT32', long: 'INT64', float: 'FP32', double: 'FP64' };
/** NumPy's names, as tensor signatures have them. */
const numpyTypes: Readonly<Record<string, string>> = {
  bool: 'BOOL',
  uint8: 'UINT8',
  uint16: 'UINT16',
  uint32: 'UINT32',
  uint64: 'UINT64',
  int8: 'INT8',
  int16: 'INT16',
  int32: 'INT32',
  int64: 'INT64',
  float16: 'FP16',
  float32: 'FP32',
  float64: 'FP64',
};

function signatureFrom(inputs: string | undefined, outputs: string | undefined): Signature | undefined {
  const taken = parsed(() => JSON.parse(inputs ?? '[]'));
  const given = parsed(() => JSON.parse(outputs ?? '[]'));
  const tensors = Check(Tensors, taken) && taken.length > 0 ? taken.map(tensorOf) : undefined;
  const columns = tensors === undefined && Check(Columns, taken) ? taken : [];
  const made: InputColumn[] = columns.flatMap(({ name, type, required = true }) =>
    name !== undefined && Object.hasOwn(columnTypes, type) ? [{ name, ...columnTypes[type], required }] : [],
  );
  if (tensors === undefined && made.length === 0) return undefined;
  return {
    inputs: made,
    ...(tensors === undefined ? {} : { tensors }),
    outputs: Check(Tensors, given)
      ? given.map(tensorOf)
      : Check(Columns, given)
        ? given.map(({ name, type }, at) => ({ name: name ?? `output ${at + 1}`, datatype: outputTypes[type] ?? 'BYTES', shape: [-1] }))
        : [],
    classes: [],
  };
}

function tensorOf(
  { name, 'tensor-spec': { dtype, shape } }: { readonly name?: string; readonly 'tensor-spec': { dtype: string; shape: number[] } },
  at: number,
): Signature['outputs'][number] {
  return { name: name ?? `tensor ${at + 1}`, datatype: numpyTypes[dtype] ?? 'BYTES', shape };
}

function parsed(read: () => unknown): unknown {
  try {
    return read();
  } catch {
    return undefined;
  }
}
