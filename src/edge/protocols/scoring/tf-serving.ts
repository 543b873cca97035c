import { protocolShape } from '#oip';
import { askedType, callerOf, jsonText, parseJson, predictionHeaders, requestFault, timeoutOfHeader } from '#serving';
import type { Answer, Exchange, Plane, Route, ServedModel } from '#serving';
import { nested, namedOutputs, perRow } from './answered.ts';
import { askInstances, askTensors, hasColumns, isObject } from './asked.ts';

/** TensorFlow's names of element types. */
const dtypes = {
  FLOAT: 'DT_FLOAT',
  DOUBLE: 'DT_DOUBLE',
  FLOAT16: 'DT_HALF',
  INT8: 'DT_INT8',
  INT16: 'DT_INT16',
  INT32: 'DT_INT32',
  INT64: 'DT_INT64',
  UINT8: 'DT_UINT8',
  UINT16: 'DT_UINT16',
  UINT32: 'DT_UINT32',
  UINT64: 'DT_UINT64',
  BOOL: 'DT_BOOL',
  STRING: 'DT_STRING',
} as const;

const signatureName = 'serving_default';

/** The REST API of TensorFlow Serving (tensorflow.org/tfx/serving/api_rest): model status, metadata, predict by rows and by columns. */
export function tfServingRoutes(plane: Plane): readonly Route[] {
  const at = '/v1/models/:name';
  const versioned = `${at}/versions/:version`;
  const status = ({ params }: Exchange): Answer => {
    using lease = plane.lease(params.name, params.version);
    const versions = plane.models.filter(({ entry }) => entry.name === lease.model.entry.name && isAsked(entry.version, params.version));
    return json({
      model_version_status: versions.map(({ entry }) => ({
        version: entry.version,
        state: plane.ready ? 'AVAILABLE' : 'UNLOADING',
        status: { error_code: 'OK', error_message: '' },
      })),
    });
  };
  const metadata = ({ params }: Exchange): Answer => {
    using lease = plane.lease(params.name, params.version);
    return json(metadataOf(lease.model));
  };
  return [
    { name: 'tfs-predict', method: 'POST', path: at, infers: true, handle: (exchange) => act(plane, exchange, 'name') },
    { name: 'tfs-predict', method: 'POST', path: versioned, infers: true, handle: (exchange) => act(plane, exchange, 'version') },
    { name: 'tfs-status', method: 'GET', path: at, handle: status },
    { name: 'tfs-status', method: 'GET', path: versioned, handle: status },
    { name: 'tfs-metadata', method: 'GET', path: `${at}/metadata`, handle: metadata },
    { name: 'tfs-metadata', method: 'GET', path: `${versioned}/metadata`, handle: metadata },
  ];
}

const isAsked = (version: string, asked: string | undefined): boolean => asked === undefined || asked === version;

/** What is to be done stands behind the last segment: `half_plus_two:predict`. */
async function act(plane: Plane, exchange: Exchange, last: 'name' | 'version'): Promise<Answer> {
  const { name, version } = exchange.params;
  const [, subject = '', verb] = /^(.*):([a-z]+)$/i.exec(last === 'name' ? name : version) ?? [];
  if (verb !== 'predict') {
    const found = verb === undefined ? 'nothing' : `":${verb}"`;
    throw requestFault(404, 'NOT_FOUND', `":predict" is to be done with a model here, ${found} was asked`);
  }
  return last === 'name' ? predict(plane, exchange, subject, undefined) : predict(plane, exchange, name, subject);
}

async function predict(plane: Plane, exchange: Exchange, name: string, version: string | undefined): Promise<Answer> {
  const { bytes } = await exchange.any();
  const body = parseJson(jsonText(bytes, askedType(exchange)));
  if (!isObject(body)) throw requestFault(400, 'INVALID_ARGUMENT', 'the body must be an object: {"instances": […]} or {"inputs": …}');
  const { instances, inputs, signature_name: signature = signatureName } = body;
  if ((instances === undefined) === (inputs === undefined))
    throw requestFault(400, 'INVALID_ARGUMENT', 'the body must have "instances" (rows) or "inputs" (columns), and not both');
  if (signature !== signatureName && signature !== '')
    throw requestFault(
      400,
      'INVALID_ARGUMENT',
      `the model has the signature "${signatureName}" alone, not "${String(signature).slice(0, 60)}"`,
    );
  using lease = plane.lease(name, version, callerOf(exchange.headers));
  const asked = instances === undefined ? askTensors(lease.model, inputs) : askInstances(lease.model, instances);
  const timeoutMs = timeoutOfHeader(exchange.headers);
  const inferred = await lease.infer({
    ...asked,
    receivedMs: exchange.receivedMs,
    note: exchange.note,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  });
  const named = namedOutputs(lease.model, inferred);
  const headers = predictionHeaders(lease.manifest.generation, inferred);
  if (instances === undefined) {
    const outputs =
      named.length === 1 ? nested(named[0][1]) : Object.fromEntries(named.map(([output, tensor]) => [output, nested(tensor)]));
    return { ...json({ outputs }), headers };
  }
  const rows = named.map(([output, tensor]) => [output, perRow(tensor, inferred.rows)] as const);
  const predictions =
    rows.length === 1
      ? rows[0][1]
      : Array.from({ length: inferred.rows }, (_, row) => Object.fromEntries(rows.map(([output, values]) => [output, values[row]])));
  return { ...json({ predictions }), headers };
}

function metadataOf(model: ServedModel): object {
  const { entry, loaded } = model;
  const info = ({ name, type, shape }: ServedModel['loaded']['inputs'][number]): [string, object] => [
    name,
    {
      dtype: dtypes[type],
      tensor_shape: { dim: protocolShape(shape).map((size) => ({ size: String(size), name: '' })), unknown_rank: shape === null },
      name,
    },
  ];
  // A column takes a value a row, whatever the graph makes of it.
  const inputs = hasColumns(model) ? loaded.inputs.map((input) => info({ ...input, shape: [''] })) : loaded.inputs.map(info);
  return {
    model_spec: { name: entry.name, signature_name: '', version: entry.version },
    metadata: {
      signature_def: {
        signature_def: {
          [signatureName]: {
            inputs: Object.fromEntries(inputs),
            outputs: Object.fromEntries(loaded.outputs.map(info)),
            method_name: 'tensorflow/serving/predict',
          },
        },
      },
    },
  };
}

const json = (value: object): Answer => ({ status: 200, body: JSON.stringify(value) });
