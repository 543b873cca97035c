import { GyreError } from '#core';
import { askedType, callerOf, jsonText, parseJson, predictionHeaders, timeoutOfHeader } from '#serving';
import type { Answer, Exchange, Inferred, Plane, Route, ServedModel } from '#serving';
import { namedOutputs, perRow } from './answered.ts';
import { askInstances, isObject } from './asked.ts';

/** Where Vertex AI asks a container, as it tells it in AIP_HEALTH_ROUTE and AIP_PREDICT_ROUTE. */
export interface VertexRoutes {
  readonly health: string;
  readonly predict: string;
}

/**
 * What Vertex AI asks of a container (cloud.google.com, "Custom container requirements for prediction"): a health route, and predictions from
 * `{"instances": […], "parameters"?: {…}}` as `{"predictions": […]}`, one for each instance.
 */
export function vertexRoutes(plane: Plane, { health, predict: path }: VertexRoutes): readonly Route[] {
  return [
    {
      name: 'vertex-health',
      method: 'GET',
      path: health,
      open: true,
      handle: () => ({ status: plane.ready ? 200 : 503, body: JSON.stringify({ ready: plane.ready }) }),
    },
    { name: 'vertex-predict', method: 'POST', path, infers: true, handle: (exchange) => predict(plane, exchange) },
  ];
}

async function predict(plane: Plane, exchange: Exchange): Promise<Answer> {
  const { bytes } = await exchange.any();
  const body = parseJson(jsonText(bytes, askedType(exchange)));
  if (!isObject(body) || !Array.isArray(body.instances) || body.instances.length === 0)
    throw new GyreError('INVALID_ARGUMENT', 'the body must be an object with "instances", a list with at least one');
  const hasProbabilities = probabilitiesAsked(body.parameters);
  using lease = plane.lease(plane.manifest.endpoint, undefined, callerOf(exchange.headers));
  const timeoutMs = timeoutOfHeader(exchange.headers);
  const inferred = await lease.infer({
    ...askInstances(lease.model, body.instances),
    receivedMs: exchange.receivedMs,
    note: exchange.note,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  });
  return {
    status: 200,
    body: JSON.stringify({ predictions: predictionsOf(lease.model, inferred, hasProbabilities) }),
    headers: predictionHeaders(lease.manifest.generation, inferred),
  };
}

/** `parameters` are the container's own: one is known here. What is not known is refused, since nobody would see that it did nothing. */
function probabilitiesAsked(parameters: unknown): boolean {
  if (parameters === undefined || parameters === null) return false;
  if (!isObject(parameters)) throw new GyreError('INVALID_ARGUMENT', '"parameters" must be an object');
  const { probabilities = false, ...rest } = parameters;
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined)
    throw new GyreError('INVALID_ARGUMENT', `there is no parameter "${unknown.slice(0, 60)}"; there is "probabilities" (true or false)`);
  if (typeof probabilities !== 'boolean') throw new GyreError('INVALID_ARGUMENT', '"probabilities" must be true or false');
  return probabilities;
}

function predictionsOf(model: ServedModel, inferred: Inferred, hasProbabilities: boolean): readonly unknown[] {
  const { outcomes, rows } = inferred;
  if (outcomes !== undefined)
    return outcomes.map(({ label, probabilities, value }) =>
      hasProbabilities && label !== undefined ? { label, probabilities } : (label ?? value),
    );
  const named = namedOutputs(model, inferred).map(([name, tensor]) => [name, perRow(tensor, rows)] as const);
  if (named.length === 1) return named[0][1];
  return Array.from({ length: rows }, (_, row) => Object.fromEntries(named.map(([name, values]) => [name, values[row]])));
}
