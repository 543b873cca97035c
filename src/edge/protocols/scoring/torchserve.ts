import { describeError } from '#oip';
import { askedOfPictures, askedType, callerOf, jsonText, parseJson, picturesOf, predictionHeaders, timeoutOfHeader } from '#serving';
import type { Answer, Exchange, Inferred, Plane, Route, ServedModel } from '#serving';
import { namedOutputs, perRow } from './answered.ts';
import { askInstances, hasColumns, isObject } from './asked.ts';

/** TorchServe's words for statuses. */
const types: Readonly<Record<number, string>> = {
  400: 'BadRequestException',
  401: 'InvalidKeyException',
  404: 'ModelNotFoundException',
  503: 'ServiceUnavailableException',
};

/**
 * TorchServe's inference API (pytorch.org/serve/inference_api.html): `/predictions/{model}[/{version}]`. One instance is answered for itself, a list
 * with a list, KServe's `{"instances": […]}` with `{"predictions": […]}`; a classifier says each class with its probability.
 * A picture is taken as the body itself, or several as the parts of a form.
 */
export function torchServeRoutes(plane: Plane): readonly Route[] {
  const handle = (exchange: Exchange): Promise<Answer> =>
    predict(plane, exchange).catch((error: unknown) =>
      said(error, exchange.params.version !== undefined && isServed(plane, exchange.params.name)),
    );
  // Its own examples send a picture with `curl -T`, which is a PUT.
  return (['POST', 'PUT'] as const).flatMap((method): Route[] => [
    { name: 'torchserve', method, path: '/predictions/:name', infers: true, handle },
    { name: 'torchserve', method, path: '/predictions/:name/:version', infers: true, handle },
  ]);
}

const isServed = ({ manifest, models }: Plane, name: string | undefined): boolean =>
  name === manifest.endpoint || models.some(({ entry }) => entry.name === name);

/** @param isVersion whether a model is known, and a version of it was asked for */
function said(error: unknown, isVersion: boolean): Answer {
  const answer = describeError(error);
  const { error: message } = JSON.parse(String(answer.body)) as { readonly error: string };
  const type =
    (isVersion && answer.status === 404 ? 'ModelVersionNotFoundException' : types[answer.status]) ??
    (answer.status < 500 ? 'BadRequestException' : 'InternalServerException');
  if (answer.status === 500) throw error;
  return { ...answer, body: JSON.stringify({ code: answer.status, type, message }) };
}

async function predict(plane: Plane, exchange: Exchange): Promise<Answer> {
  const { bytes } = await exchange.any();
  const type = askedType(exchange);
  // `curl -T photo.jpg` names no content type.
  const pictures = await picturesOf(bytes, type);
  const body = pictures === undefined ? parseJson(jsonText(bytes, type)) : undefined;
  const { name, version } = exchange.params;
  using lease = plane.lease(name, version, callerOf(exchange.headers));
  const list = pictures === undefined ? listOf(body, lease.model) : pictures.length > 1 ? pictures : undefined;
  const asked = pictures === undefined ? askInstances(lease.model, list ?? [body]) : askedOfPictures(lease.model.entry, pictures);
  const timeoutMs = timeoutOfHeader(exchange.headers);
  const inferred = await lease.infer({
    ...asked,
    receivedMs: exchange.receivedMs,
    note: exchange.note,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  });
  const predictions = predictionsOf(lease.model, inferred);
  const isKserve = isObject(body) && body.instances !== undefined;
  return {
    status: 200,
    body: JSON.stringify(isKserve ? { predictions } : list === undefined ? predictions[0] : predictions),
    headers: predictionHeaders(lease.manifest.generation, inferred),
  };
}

const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value);

/** @returns undefined when the body is one instance by itself */
function listOf(body: unknown, model: ServedModel): readonly unknown[] | undefined {
  if (isList(body)) return isOneRow(body, model) ? undefined : body;
  if (!isObject(body)) return undefined;
  for (const name of ['instances', 'data', 'inputs'] as const) {
    const { [name]: list } = body;
    if (isList(list) && Object.keys(body).length === 1) return list;
  }
  return undefined;
}

/** Whether plain numbers are the row of a model that takes one tensor of so many in each row: as rows of their own they would fit nothing. */
function isOneRow(body: readonly unknown[], model: ServedModel): boolean {
  const { inputs } = model.loaded;
  const shape = hasColumns(model) || inputs.length !== 1 ? undefined : inputs[0].shape;
  return shape?.length === 2 && shape[1] === body.length && body.every((value) => typeof value === 'number');
}

function predictionsOf(model: ServedModel, inferred: Inferred): readonly unknown[] {
  const { outcomes, rows } = inferred;
  if (outcomes !== undefined) return outcomes.map(({ probabilities, value }) => probabilities ?? value);
  const named = namedOutputs(model, inferred).map(([name, tensor]) => [name, perRow(tensor, rows)] as const);
  if (named.length === 1) return named[0][1];
  return Array.from({ length: rows }, (_, row) => Object.fromEntries(named.map(([name, values]) => [name, values[row]])));
}
