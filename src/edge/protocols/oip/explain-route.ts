import { GyreError } from '#core';
import { explainOptionsOf, parseJson, timeoutOfHeader } from '#serving';
import type { Answer, Exchange, Explanations, Plane, Route } from '#serving';
import { BytesBehindJson, decodeInferRequest, parseInferRequest, soonest } from './decode.ts';
import type { Members } from './decode.ts';
import { splitBody } from './infer-body.ts';

/** `POST /v2/models/:name[/versions/:version]/explain`: an inference request in, what moved each row's output out. */
export function explainRoutes(plane: Plane, explanations: Explanations): Route[] {
  const handle = (exchange: Exchange): Promise<Answer> => explain(plane, explanations, exchange);
  return [
    { name: 'explain', method: 'POST', path: '/v2/models/:name/explain', handle },
    { name: 'explain', method: 'POST', path: '/v2/models/:name/versions/:version/explain', handle },
  ];
}

async function explain(plane: Plane, explanations: Explanations, exchange: Exchange): Promise<Answer> {
  const { json, binary } = await splitBody(exchange);
  const body = parseInferRequest(json);
  using lease = plane.lease(exchange.params.name, exchange.params.version);
  const decoded = decodeInferRequest(body, new BytesBehindJson(binary), lease.model);
  const { id, feeds: given, images, timeoutMs } = soonest(decoded, timeoutOfHeader(exchange.headers));
  const { feeds } = await lease.decoded({
    feeds: given,
    receivedMs: exchange.receivedMs,
    ...(images === undefined ? {} : { images }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  });
  const { background_rows: backgroundRows = 0, classes, ...parameters } = membersOf(body.parameters);
  if (typeof backgroundRows !== 'number' || !Number.isSafeInteger(backgroundRows) || backgroundRows < 0)
    throw new GyreError('INVALID_ARGUMENT', 'the parameter "background_rows" must be a whole number of rows from 0 on');
  const { model, version, ...answer } = await explanations.explain({
    manifest: lease.manifest,
    model: lease.model,
    feeds,
    backgroundRows,
    // The protocol's own parameters are scalars: a list may come as JSON text.
    options: explainOptionsOf({
      ...parameters,
      ...(classes === undefined ? {} : { classes: typeof classes === 'string' ? parseJson(classes) : classes }),
    }),
    receivedMs: exchange.receivedMs,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  });
  return {
    status: 200,
    body: JSON.stringify({ model_name: model, model_version: version, ...(id === undefined ? {} : { id }), ...answer }),
  };
}

function membersOf(value: unknown): Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : {};
}
