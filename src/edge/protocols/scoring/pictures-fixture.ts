import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ImageInput, ReleaseManifest, Signature } from '#contract';
import { digestOf, manualClock, seeded, sha256, uuidV7 } from '#core';
import { describeError, oipMethods, oipRoutes } from '#oip';
import { attr, encodeModel, graphBuilder, mlDomain } from '#onnx';
import { Plane, predictRoute, serveHttp, serveRpc, Spool } from '#serving';
import type { InferenceServer } from '#serving';
import { createLogger, createMetrics } from '#telemetry';
import { scoringRoutes } from './index.ts';

/** What becomes of a picture in the fixture: odd sides, so that rows and columns cannot be mixed up. */
export const image: ImageInput = {
  function: 'image/1',
  width: 20,
  height: 16,
  fit: 'cover',
  kernel: 'bilinear',
  channels: 'RGB',
  layout: 'NHWC',
  datatype: 'UINT8',
};

/** Says "warm" where the red of a picture's mean is above its blue, and gives the pixels back that it was given. */
function graph(): Uint8Array {
  const builder = graphBuilder({ name: 'warmth' });
  builder.input('image', 'UINT8', ['N', 16, 20, 3]);
  const real = builder.op('Cast', ['image'], { attributes: { to: attr.int(1) } });
  const mean = builder.op('ReduceMean', [real], { attributes: { axes: attr.ints([1, 2]), keepdims: attr.int(0) } });
  const [label, probabilities] = builder.node('LinearClassifier', [mean], {
    domain: mlDomain,
    outputs: 2,
    attributes: {
      classlabels_strings: attr.strings(['cold', 'warm']),
      coefficients: attr.floats([0, 0, 0, 0.1, 0, -0.1]),
      intercepts: attr.floats([0, 0]),
      post_transform: attr.string('SOFTMAX'),
      multi_class: attr.int(0),
    },
  });
  builder.output('label', 'STRING', ['N'], label);
  builder.output('probabilities', 'FLOAT', ['N', 2], probabilities);
  builder.output('pixels', 'UINT8', ['N', 16, 20, 3], builder.op('Identity', ['image']));
  return encodeModel(builder);
}

export interface ServedPictures extends AsyncDisposable {
  readonly plane: Plane;
  readonly http: InferenceServer;
  readonly rpc: InferenceServer;
}

/** A data plane that serves "warmth", version 7, of pictures, as the endpoint "park". @param changes of what its signature says of the picture */
export async function servePictures(spool: string, changes: Partial<ImageInput> = {}): Promise<ServedPictures> {
  const bytes = graph();
  const files = [{ path: 'model.onnx', digest: sha256(bytes), size: bytes.byteLength }];
  const signature: Signature = {
    task: 'binary',
    inputs: [{ name: 'image', type: 'string', datatype: 'BYTES', required: true, image: { ...image, ...changes } }],
    outputs: [
      { name: 'label', datatype: 'BYTES', shape: [-1] },
      { name: 'probabilities', datatype: 'FP32', shape: [-1, 2] },
    ],
    classes: ['cold', 'warm'],
    positive: 'warm',
  };
  const manifest: ReleaseManifest = {
    format: 'gyre.manifest.v1',
    environment: 'test',
    endpoint: 'park',
    generation: 1,
    models: [
      {
        name: 'warmth',
        version: '7',
        modelVersion: 'mv',
        package: digestOf({ format: 'gyre.package.v1', files }),
        files,
        signature,
        weight: 1,
      },
    ],
    log: { sample: 1 },
    limits: { maxBodyBytes: 1024 * 1024, maxRows: 50 },
    tokenHashes: [],
    createdAt: '2026-01-01T00:00:00.000Z',
  };
  const random = seeded(3);
  const newId = uuidV7(manualClock(0), (length) => Uint8Array.from({ length }, () => random.int(256)));
  const plane = await Plane.open(manifest, {
    source: { read: async () => bytes },
    workers: 2,
    elapsed: () => performance.now(),
    clock: manualClock(0),
    newId,
    chance: () => random.next(),
    metrics: createMetrics(),
    spool: await Spool.open({ dir: spool, newId }),
  });
  const shared = { plane, host: '127.0.0.1', port: 0, log: createLogger({ level: 'silent', destination: process.stderr }) };
  const oip = { plane, version: '1.2.3' };
  const routes = [predictRoute(plane), ...oipRoutes(oip), ...scoringRoutes(oip)];
  const http = await serveHttp({ ...shared, routes, describe: describeError });
  const rpc = await serveRpc({ ...shared, methods: oipMethods(oip) });
  return {
    plane,
    http,
    rpc,
    [Symbol.asyncDispose]: async () => {
      await Promise.all([http.close(0), rpc.close(0)]);
      await plane[Symbol.asyncDispose]();
    },
  };
}

/** The bytes of a photo. */
export function photo(name: 'hat' | 'shirt' | 'shoes'): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(join(import.meta.dirname, '../../../foundation/images/fixtures', `${name}.jpg`)));
}
