import { stringify } from 'yaml';
import type { InputColumn, Signature } from '#contract';

export interface MlModelFacts {
  /** That made it, where Gyre trained it. */
  readonly run?: string;
  /** ISO 8601. */
  readonly madeAt: string;
  readonly signature: Signature;
  /** SHA-256 of `model.onnx`. */
  readonly onnx: string;
}

/** Versions that MLflow's ONNX flavour is told; newer ones read these files as well. */
const mlflowVersion = '2.16.0';
const onnxVersion = '1.17.0';
const pythonVersion = '3.11.0';
/** PyYAML reads YAML 1.1, where an instant without quotes is no text. */
const yamlOptions = { lineWidth: 0, version: '1.1' } as const;

/**
 * The files that make a package a model folder for MLflow (2 and later): `MLmodel` with the ONNX and the generic Python flavour and a tensor
 * signature, and the Python environment that those flavours ask for.
 */
export function mlflowFiles({ run, madeAt, signature, onnx }: MlModelFacts): readonly (readonly [path: string, text: string])[] {
  const mlmodel = {
    artifact_path: 'model',
    flavors: {
      onnx: { code: null, data: 'model.onnx', onnx_version: onnxVersion, providers: ['CPUExecutionProvider'] },
      python_function: {
        data: 'model.onnx',
        env: { conda: 'conda.yaml', virtualenv: 'python_env.yaml' },
        loader_module: 'mlflow.onnx',
        python_version: pythonVersion,
      },
    },
    mlflow_version: mlflowVersion,
    model_uuid: onnx.slice(0, 32),
    ...(run === undefined ? {} : { run_id: run.replaceAll('-', '') }),
    // MLflow's flavour feeds the graph itself: pixels, which no table holds.
    ...(signature.inputs.some(({ image }) => image !== undefined)
      ? {}
      : { saved_input_example_info: { artifact_path: 'input_example.json', pandas_orient: 'split', type: 'dataframe' } }),
    signature: {
      inputs: JSON.stringify(signature.inputs.map(inputSpec)),
      outputs: JSON.stringify(signature.outputs.map(({ name, datatype, shape }) => tensorSpec(name, datatype, shape))),
      params: null,
    },
    utc_time_created: madeAt.replace('T', ' ').replace('Z', '000'),
  };
  const pins = [`mlflow>=${mlflowVersion}`, `onnx>=${onnxVersion}`, 'onnxruntime>=1.17', 'numpy', 'pandas'];
  const python = { python: pythonVersion, build_dependencies: ['pip'], dependencies: ['-r requirements.txt'] };
  const conda = { name: 'gyre-model', channels: ['conda-forge'], dependencies: [`python=${pythonVersion}`, 'pip', { pip: pins }] };
  return [
    ['MLmodel', stringify(mlmodel, yamlOptions)],
    ['conda.yaml', stringify(conda, yamlOptions)],
    ['python_env.yaml', stringify(python, yamlOptions)],
    ['requirements.txt', `${pins.join('\n')}\n`],
  ];
}

const numpyTypes: Readonly<Record<string, string>> = { FP64: 'float64', FP32: 'float32', UINT8: 'uint8', BYTES: 'object' };

function inputSpec({ name, datatype, image }: InputColumn): object {
  if (image === undefined) return tensorSpec(name, datatype, [-1, 1]);
  const { width, height, layout } = image;
  return tensorSpec(name, image.datatype, layout === 'NHWC' ? [-1, height, width, 3] : [-1, 3, height, width]);
}

function tensorSpec(name: string, datatype: string, shape: readonly number[]): object {
  return { name, type: 'tensor', 'tensor-spec': { dtype: numpyTypes[datatype] ?? 'object', shape } };
}
