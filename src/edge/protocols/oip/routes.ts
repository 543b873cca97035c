import { callerOf, parseJson, predictionHeaders, timeoutOfHeader } from '#serving';
import type { Answer, Exchange, Explanations, Inferred, Outliers, Plane, Route, ServedModel } from '#serving';
import { BytesBehindJson, decodeInferRequest, firstKey, parseInferRequest, soonest } from './decode.ts';
import { encodeInferResponse, indexOf, modelMetadata, serverMetadata } from './encode.ts';
import { explainRoutes } from './explain-route.ts';
import { jsonLengthHeader, splitBody } from './infer-body.ts';
import { inferWithOutliers } from './outlier-outputs.ts';
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
  const statisticsOf = ({ params }: Exchange): Answer => {
    // Refuses what is not served, with what is.
    using _lease = plane.lease(params.name, params.version);
    return statistics(
      plane.models.filter(({ entry }) => entry.name === params.name && (params.version === undefined || entry.version === params.version)),
    );
  };
  const setLoaded =
    (loaded: boolean) =>
    async ({ params }: Exchange): Promise<Answer> => {
      await plane.setLoaded(params.name, loaded);
      return json(200, {});
    };
  const infer = (exchange: Exchange): Promise<Answer> => inferRoute(plane, outliers, exchange);
  return [
    { name: 'infer', method: 'POST', path: '/v2/models/:name/infer', infers: true, handle: infer },
    { name: 'infer', method: 'POST', path: '/v2/models/:name/versions/:version/infer', infers: true, handle: infer },
    ...(explanations === undefined ? [] : explainRoutes(plane, explanations)),
    { name: 'statistics', method: 'GET', path: '/v2/models/stats', handle: () => statistics(plane.models) },
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

const statistics = (models: readonly ServedModel[]): Answer => json(200, { model_stats: models.map(modelStats) });

async function repositoryIndex(plane: Plane, exchange: Exchange): Promise<Answer> {
  const text = await exchange.text();
  const body = text.trim() === '' ? {} : parseJson(text);
  const onlyReady = typeof body === 'object' && body !== null && 'ready' in body && body.ready === true;
  return json(200, indexOf(plane, onlyReady));
}

async function inferRoute(plane: Plane, outliers: Outliers | undefined, exchange: Exchange): Promise<Answer> {
  const { json: text, binary } = await splitBody(exchange);
  const body = parseInferRequest(text);
  // Held only now: a slow upload must not keep a replaced model loaded.
  using lease = plane.lease(exchange.params.name, exchange.params.version, callerOf(exchange.headers, firstKey(body)));
  const { id, outputs, outlier, ...request } = decodeInferRequest(body, new BytesBehindJson(binary), lease.model);
  const timeoutMs = timeoutOfHeader(exchange.headers);
  const infer = (): Promise<Inferred> =>
    lease.infer({ ...soonest(request, timeoutMs), receivedMs: exchange.receivedMs, note: exchange.note });
  const asked = { feeds: request.feeds, outputs, isBinary: outputs.some(({ binary: asBytes }) => asBytes) };
  const { inferred, wanted } = outlier
    ? await inferWithOutliers(outliers, lease.model, asked, infer)
    : { inferred: await infer(), wanted: outputs };
  const response = encodeInferResponse(inferred.model, id, wanted, inferred);
  const headers = predictionHeaders(lease.manifest.generation, inferred);
  // Bytes of the answer are the model's own, except where it gives back what it was given.
  if (!inferred.holdsFeeds && response.binary.every(({ buffer }) => buffer !== binary.buffer)) exchange.release();
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
