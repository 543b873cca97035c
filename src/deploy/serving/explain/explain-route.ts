import { GyreError } from '#core';
import { parseJson, timeoutOfHeader } from '../http-exchange.ts';
import type { Answer, Exchange, Route } from '../http-exchange.ts';
import { askedOfRows } from '../image-inputs.ts';
import type { Plane } from '../plane.ts';
import type { Explanations } from './explanations.ts';
import { explainRequestOf } from './options.ts';

/** `POST /explain/:endpoint`: rows with named columns (pictures in base64) in, what moved each prediction out (ExplainRequest and ExplainAnswer of the contract). */
export function explainRoute(plane: Pick<Plane, 'lease'>, explanations: Explanations): Route {
  return { name: 'explain', method: 'POST', path: '/explain/:endpoint', handle: (exchange) => explain(plane, explanations, exchange) };
}

async function explain(plane: Pick<Plane, 'lease'>, explanations: Explanations, exchange: Exchange): Promise<Answer> {
  const { rows, background = [], ...options } = explainRequestOf(parseJson(await exchange.text()));
  using lease = plane.lease(exchange.params.endpoint);
  const { manifest, model } = lease;
  const { name, signature } = model.entry;
  if (signature.inputs.length === 0)
    throw new GyreError(
      'FAILED_PRECONDITION',
      `${name} names no columns, so that rows say nothing to it: ask POST /v2/models/${name}/explain with tensors`,
    );
  if (rows.length > manifest.limits.maxRows)
    throw new GyreError(
      'OUT_OF_RANGE',
      `${rows.length} rows are too many for one request; this endpoint takes at most ${manifest.limits.maxRows}`,
    );
  const timeoutMs = timeoutOfHeader(exchange.headers);
  const { feeds } = await lease.decoded({
    ...askedOfRows(signature.inputs, [...rows, ...background]),
    receivedMs: exchange.receivedMs,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  });
  const answer = await explanations.explain({
    manifest,
    model,
    feeds,
    backgroundRows: background.length,
    options,
    receivedMs: exchange.receivedMs,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  });
  return { status: 200, body: JSON.stringify(answer) };
}
