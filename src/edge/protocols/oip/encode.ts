import type { Inferred, ServedModel } from '#serving';
import { datatypeOf, protocolShape } from './datatypes.ts';
import type { Tensor } from './values.ts';

/**
 * An inference response of the protocol, as JSON text. Made by hand: numbers go from the tensor to the text without a list in between.
 * Its `id` is the request's, or the first prediction's when the request had none. `parameters.prediction_ids` names each row's
 * prediction, separated by commas (the protocol's parameters are scalars).
 */
export function encodeInferResponse(
  { entry, loaded }: ServedModel,
  id: string | undefined,
  wanted: readonly string[] | undefined,
  inferred: Inferred,
): string {
  const names = wanted ?? loaded.outputs.map(({ name }) => name);
  const outputs = names.map((name) => encodeTensor(name, inferred.outputs[name])).join(',');
  return (
    `{"model_name":${JSON.stringify(entry.name)},"model_version":${JSON.stringify(entry.version)},"id":${JSON.stringify(id ?? inferred.ids[0])},` +
    `"parameters":{"prediction_ids":"${inferred.ids.join(',')}"},"outputs":[${outputs}]}`
  );
}

function encodeTensor(name: string, tensor: Tensor): string {
  return `{"name":${JSON.stringify(name)},"datatype":"${datatypeOf[tensor.type]}","shape":[${tensor.shape.join(',')}],"data":[${valuesOf(tensor)}]}`;
}

function valuesOf(tensor: Tensor): string {
  switch (tensor.type) {
    case 'STRING':
      return tensor.data.map((value) => JSON.stringify(value)).join(',');
    case 'BOOL':
      return Array.from(tensor.data, (value) => (value === 0 ? 'false' : 'true')).join(',');
    case 'FLOAT':
    case 'DOUBLE':
    case 'FLOAT16':
      // JSON has neither NaN nor infinities: null stands for them.
      return tensor.data.every((value) => Number.isFinite(value))
        ? tensor.data.join(',')
        : Array.from(tensor.data, (value) => (Number.isFinite(value) ? value : 'null')).join(',');
    default:
      return tensor.data.join(',');
  }
}

/** A model's metadata: `GET /v2/models/{name}`. */
export function modelMetadata(models: readonly ServedModel[], { entry, loaded }: ServedModel): object {
  const describe = ({ name, type, shape }: ServedModel['loaded']['inputs'][number]): object => ({
    name,
    datatype: datatypeOf[type],
    shape: protocolShape(shape),
  });
  return {
    name: entry.name,
    versions: models.filter((model) => model.entry.name === entry.name).map((model) => model.entry.version),
    platform: 'onnxruntime_onnx',
    inputs: loaded.inputs.map(describe),
    outputs: loaded.outputs.map(describe),
  };
}
