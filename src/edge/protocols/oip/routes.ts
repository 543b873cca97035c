import { requestFault } from '#serving';
import type { Answer, Exchange, Plane, Route } from '#serving';
import { decodeInferRequest, parseInferRequest } from './decode.ts';
import { encodeInferResponse, modelMetadata } from './encode.ts';

export interface OipOptions {
  readonly plane: Plane;
  /** Gyre's version, for the server's metadata. */
  readonly version: string;
}

/**
 * The REST routes of the Open Inference Protocol v2: health, server and model metadata, inference with JSON tensors.
 * Not here: gRPC, the binary tensor data extension, repository and statistics extensions.
 */
export function oipRoutes({ plane, version }: OipOptions): Route[] {
  const ready = (): Answer => json(plane.ready ? 200 : 503, { ready: plane.ready });
  const metadata = ({ params }: Exchange): Answer => {
    using lease = plane.lease(params.name, params.version);
    return json(200, modelMetadata(plane.models, lease.model));
  };
  const modelReady = ({ params }: Exchange): Answer => {
    using lease = plane.lease(params.name, params.version);
    return json(plane.ready ? 200 : 503, { name: lease.model.entry.name, ready: plane.ready });
  };
  const infer = (exchange: Exchange): Promise<Answer> => inferRoute(plane, exchange);
  return [
    { name: 'infer', method: 'POST', path: '/v2/models/:name/infer', handle: infer },
    { name: 'infer', method: 'POST', path: '/v2/models/:name/versions/:version/infer', handle: infer },
    { name: 'live', method: 'GET', path: '/v2/health/live', open: true, handle: () => json(200, { live: true }) },
    { name: 'ready', method: 'GET', path: '/v2/health/ready', open: true, handle: ready },
    { name: 'server', method: 'GET', path: '/v2', handle: () => json(200, { name: 'gyre', version, extensions: [] }) },
    { name: 'model', method: 'GET', path: '/v2/models/:name', handle: metadata },
    { name: 'model', method: 'GET', path: '/v2/models/:name/versions/:version', handle: metadata },
    { name: 'model-ready', method: 'GET', path: '/v2/models/:name/ready', handle: modelReady },
    { name: 'model-ready', method: 'GET', path: '/v2/models/:name/versions/:version/ready', handle: modelReady },
  ];
}

async function inferRoute(plane: Plane, exchange: Exchange): Promise<Answer> {
  if (exchange.headers['inference-header-content-length'] !== undefined) {
    throw requestFault(400, 'UNIMPLEMENTED', 'binary tensor data is not taken here: send tensors as JSON (binary_data=False)');
  }
  const body = parseInferRequest(await exchange.text());
  // Held only now: a slow upload must not keep a replaced model loaded.
  using lease = plane.lease(exchange.params.name, exchange.params.version);
  const { id, outputs, ...request } = decodeInferRequest(body, lease.model);
  const inferred = await lease.infer({ ...request, receivedMs: exchange.receivedMs });
  return {
    status: 200,
    body: encodeInferResponse(lease.model, id, outputs, inferred),
    headers: { 'gyre-prediction-id': inferred.ids[0], 'gyre-generation': String(lease.manifest.generation) },
  };
}

function json(status: number, value: object): Answer {
  return { status, body: JSON.stringify(value) };
}
