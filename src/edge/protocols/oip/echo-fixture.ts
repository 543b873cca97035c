import type { ReleaseManifest } from '#contract';
import { digestOf, manualClock, seeded, sha256, uuidV7 } from '#core';
import { encodeModel, graphBuilder } from '#onnx';
import { Admission, Plane, serveHttp, serveRpc } from '#serving';
import type { InferenceServer, Patience } from '#serving';
import { createLogger, createMetrics } from '#telemetry';
import { describeError } from './errors.ts';
import { oipRoutes } from './routes.ts';
import { oipMethods } from './rpc-methods.ts';

/** Gives every input back, one of each type that the protocol has. */
export const types = [
  'BOOL',
  'UINT8',
  'UINT16',
  'UINT32',
  'UINT64',
  'INT8',
  'INT16',
  'INT32',
  'INT64',
  'FLOAT16',
  'FLOAT',
  'DOUBLE',
  'STRING',
] as const;
/** A graph of that kind. */
const echo = (): Uint8Array => {
  const graph = graphBuilder({ name: 'echo' });
  for (const type of types) {
    graph.input(type, type, ['N', 2]);
    graph.output(`${type}_out`, type, ['N', 2], graph.op('Identity', [type]));
  }
  return encodeModel(graph);
};

export interface EchoServer extends AsyncDisposable {
  readonly plane: Plane;
  readonly admission: Admission;
  readonly http: InferenceServer;
  readonly rpc: InferenceServer;
}

/**
 * A data plane that serves the model "echo", version 4, as the endpoint "shop", over HTTP and gRPC. Bodies of 20,000 bytes and 50 rows at most.
 * @param tokenHashes of those who may infer; none: this machine alone
 */
export async function serveEcho(
  tokenHashes: readonly string[] = [],
  limits: Partial<ReleaseManifest['limits']> = {},
  patience?: Patience,
): Promise<EchoServer> {
  const bytes = echo();
  const files = [{ path: 'model.onnx', digest: sha256(bytes), size: bytes.byteLength }];
  const manifest: ReleaseManifest = {
    format: 'gyre.manifest.v1',
    environment: 'test',
    endpoint: 'shop',
    generation: 1,
    models: [
      {
        name: 'echo',
        version: '4',
        modelVersion: 'mv',
        package: digestOf({ format: 'gyre.package.v1', files }),
        files,
        signature: { task: 'regression', inputs: [], outputs: [], classes: [] },
        weight: 1,
      },
    ],
    log: { sample: 0 },
    limits: { maxBodyBytes: 20_000, maxRows: 50, ...limits },
    tokenHashes: [...tokenHashes],
    createdAt: '2026-01-01T00:00:00.000Z',
  };
  const random = seeded(3);
  const plane = await Plane.open(manifest, {
    source: { read: async () => bytes },
    workers: 1,
    elapsed: () => performance.now(),
    clock: manualClock(0),
    newId: uuidV7(manualClock(0), (length) => Uint8Array.from({ length }, () => random.int(256))),
    chance: () => random.next(),
    metrics: createMetrics(),
    modelControl: true,
  });
  const admission = new Admission(plane);
  const shared = {
    plane,
    admission,
    host: '127.0.0.1',
    port: 0,
    log: createLogger({ level: 'silent', destination: process.stderr }),
    ...(patience === undefined ? {} : { patience }),
  };
  const oip = { plane, version: '1.2.3' };
  const http = await serveHttp({ ...shared, routes: oipRoutes(oip), describe: describeError });
  const rpc = await serveRpc({ ...shared, methods: oipMethods(oip) });
  return {
    plane,
    admission,
    http,
    rpc,
    [Symbol.asyncDispose]: async () => {
      await Promise.all([http.close(0), rpc.close(0)]);
      await plane[Symbol.asyncDispose]();
    },
  };
}
