import { jsonLengthHeader } from '#contract';
import { callerOf, parseJson, predictionHeaders, timeoutOfHeader, withLease } from '#serving';
import type { Answer, Exchange, Explanations, Inferred, ModelReport, Outliers, Plane, Route } from '#serving';
import { BytesBehindJson, decodeInferRequest, firstKey, parseInferRequest } from './decode.ts';
import type { WantedOutput } from './decode.ts';
import { encodeInferResponse, indexOf, modelMetadata, serverMetadata } from './encode.ts';
import { explainRoutes } from './explain-route.ts';
import { splitBody } from './infer-body.ts';
import type { InferBody } from './infer-body.ts';
import { inferenceOf, inferLater } from './infer.ts';
import { modelStats } from './statistics.ts';

export interface OipOptions {
  readonly plane: Plane;
  /** Gyre's version, for the server's metadata. */
  readonly version: string;
  /** Left out: nothing is explained. */
  readonly explanations?: Explanations;
  /** Left out: there are no outlier scores. */
  readonly outliers?: Outliers;
}

/**
 * The REST routes of the Open Inference Protocol v2: health, server and model metadata, inference with tensors as JSON or as bytes.
 */
export function oipRoutes({ plane, version, explanations, outliers }: OipOptions): Route[] {
  const ready = (): Answer => json(plane.ready ? 200 : 503, { ready: plane.ready });
  const metadata = ({ params }: Exchange): Answer => {
    using lease = plane.lease(params.name, params.version);
    return json(200, modelMetadata(plane.models, lease.model));
  };
  const modelReady = ({ params }: Exchange): Answer => {
    using lease = plane.lease(params.name, params.version);
    return json(plane.ready ? 200 : 503, { name: lease.model.entry.name, ready: plane.ready });
  };
  const statisticsOf = ({ params }: Exchange): Promise<Answer> => {
    // Refuses what is not served, with what is.
    using _lease = plane.lease(params.name, params.version);
    return statistics(plane, ({ name, version }) => name === params.name && (params.version === undefined || version === params.version));
  };
  const setLoaded =
    (loaded: boolean) =>
    async ({ params }: Exchange): Promise<Answer> => {
      await plane.setLoaded(params.name, loaded);
      return json(200, {});
    };
  const handle = (exchange: Exchange): Answer | Promise<Answer> => inferRoute(plane, outliers, exchange);
  return [
    { name: 'infer', method: 'POST', path: '/v2/models/:name/infer', infers: true, handle },
    { name: 'infer', method: 'POST', path: '/v2/models/:name/versions/:version/infer', infers: true, handle },
    ...(explanations === undefined ? [] : explainRoutes(plane, explanations)),
    { name: 'statistics', method: 'GET', path: '/v2/models/stats', handle: () => statistics(plane) },
    { name: 'statistics', method: 'GET', path: '/v2/models/:name/stats', handle: statisticsOf },
    { name: 'statistics', method: 'GET', path: '/v2/models/:name/versions/:version/stats', handle: statisticsOf },
    { name: 'repository', method: 'POST', path: '/v2/repository/index', handle: (exchange) => repositoryIndex(plane, exchange) },
    { name: 'load', method: 'POST', path: '/v2/repository/models/:name/load', handle: setLoaded(true) },
    { name: 'unload', method: 'POST', path: '/v2/repository/models/:name/unload', handle: setLoaded(false) },
    { name: 'live', method: 'GET', path: '/v2/health/live', open: true, handle: () => json(200, { live: true }) },
    { name: 'ready', method: 'GET', path: '/v2/health/ready', open: true, handle: ready },
    { name: 'server', method: 'GET', path: '/v2', handle: () => json(200, serverMetadata(version)) },
    { name: 'model', method: 'GET', path: '/v2/models/:name', handle: metadata },
    { name: 'model', method: 'GET', path: '/v2/models/:name/versions/:version', handle: metadata },
    { name: 'model-ready', method: 'GET', path: '/v2/models/:name/ready', handle: modelReady },
    { name: 'model-ready', method: 'GET', path: '/v2/models/:name/versions/:version/ready', handle: modelReady },
  ];
}

async function statistics(plane: Plane, isAsked: (model: ModelReport) => boolean = () => true): Promise<Answer> {
  return json(200, { model_stats: (await plane.modelTotals()).filter(isAsked).map(modelStats) });
}

async function repositoryIndex(plane: Plane, exchange: Exchange): Promise<Answer> {
  const text = await exchange.text();
  const body = text.trim() === '' ? {} : parseJson(text);
  const onlyReady = typeof body === 'object' && body !== null && 'ready' in body && body.ready === true;
  return json(200, indexOf(plane, onlyReady));
}

function inferRoute(plane: Plane, outliers: Outliers | undefined, exchange: Exchange): Answer | Promise<Answer> {
  const body = splitBody(exchange);
  return body instanceof Promise ? body.then((one) => infer(plane, outliers, exchange, one)) : infer(plane, outliers, exchange, body);
}

function infer(
  plane: Plane,
  outliers: Outliers | undefined,
  exchange: Exchange,
  { json: text, binary }: InferBody,
): Answer | Promise<Answer> {
  const body = parseInferRequest(text);
  // Held only now: a slow upload must not keep a replaced model loaded.
  const held = plane.lease(exchange.params.name, exchange.params.version, callerOf(exchange.headers, firstKey(body)));
  return withLease(held, (lease) => {
    const request = decodeInferRequest(body, new BytesBehindJson(binary), lease.model);
    const inference = inferenceOf(request, timeoutOfHeader(exchange.headers), exchange);
    const answer = (inferred: Inferred, wanted: readonly WantedOutput[]): Answer =>
      answerOf(lease.manifest.generation, request.id, wanted, inferred);
    const now = request.outlier ? undefined : lease.inferNow(inference);
    if (now !== undefined) return { ...answer(now.inferred, request.outputs), settle: now.settle };
    const isBinary = request.outputs.some((output) => output.binary);
    return inferLater(outliers, lease, request, inference, isBinary, (inferred, wanted) => {
      const said = answer(inferred, wanted);
      // Bytes of an answer are the model's own, except where it gives back what it was given.
      const isOwn = typeof said.body === 'string' || said.body.every(({ buffer }) => buffer !== binary.buffer);
      if (isOwn && !inferred.holdsFeeds) exchange.release();
      return said;
    });
  });
}

function answerOf(generation: number, id: string | undefined, wanted: readonly WantedOutput[], inferred: Inferred): Answer {
  const response = encodeInferResponse(inferred.model, id, wanted, inferred);
  const headers = predictionHeaders(generation, inferred);
  if (response.binary.length === 0) return { status: 200, body: response.json, headers };
  const start = Buffer.from(response.json);
  return {
    status: 200,
    type: 'application/octet-stream',
    body: [start, ...response.binary],
    headers: { ...headers, [jsonLengthHeader]: String(start.length) },
  };
}

function json(status: number, value: object): Answer {
  return { status, body: JSON.stringify(value) };
}
