import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PackageFile, ReleaseManifest, Signature } from '#contract';
import { digestOf, sha256 } from '#core';
import type { BlobStore } from '#blobs';
import { attr, encodeModel, graphBuilder, mlDomain, tensor } from '#onnx';

/** A small model package, for tests and benchmarks of data planes. */
export interface SamplePackage {
  readonly digest: string;
  readonly files: readonly (PackageFile & { readonly bytes: Uint8Array })[];
  readonly signature: Signature;
}

export interface SampleOptions {
  /** Added to the logit: makes versions that answer differently. Default 0. */
  readonly bias?: number;
  /** The decision threshold of the label "Yes". Default 0.5. */
  readonly threshold?: number;
  /** Matrix products of 256 x 256 that each row goes through beside its answer: makes a model slow. Default 0. */
  readonly ballast?: number;
  /** A table of so many MiB that each row looks into: makes a model slow to load. Default 0. */
  readonly tableMib?: number;
  /** Rows with at least this tenure fail: what only production asks. Default: none does. */
  readonly failsFrom?: number;
}

const contracts = ['Month-to-month', 'One year', 'Two year'] as const;

/**
 * A logistic regression on raw columns, its transforms inside the graph:
 * logit = 0.5 - 0.05 tenure + 0.02 charges + 0.3 senior + (0.8 month to month | 0 one year | -0.7 two year), missing charges taken as 65.
 */
export function samplePackage(options: SampleOptions = {}): SamplePackage {
  const { threshold = 0.5 } = options;
  const signature: Signature = {
    task: 'binary',
    inputs: [
      { name: 'tenure', type: 'integer', datatype: 'FP64', required: true, range: [0, 72] },
      { name: 'charges', type: 'number', datatype: 'FP64', required: false, range: [18, 119] },
      { name: 'senior', type: 'boolean', datatype: 'FP64', required: true },
      { name: 'contract', type: 'string', datatype: 'BYTES', required: false, categories: [...contracts] },
    ],
    outputs: [
      { name: 'label', datatype: 'BYTES', shape: [-1] },
      { name: 'probabilities', datatype: 'FP32', shape: [-1, 2] },
    ],
    classes: ['No', 'Yes'],
    positive: 'Yes',
    threshold,
  };
  const members: readonly (readonly [string, Uint8Array])[] = [
    ['input_example.json', Buffer.from(JSON.stringify([{ tenure: 12, charges: 70.5, senior: false, contract: 'One year' }]))],
    ['model.onnx', graphOf(options)],
    ['signature.json', Buffer.from(JSON.stringify(signature))],
  ];
  const files = members.map(([path, bytes]) => ({ path, digest: sha256(bytes), size: bytes.byteLength, bytes }));
  return { digest: digestOf({ format: 'gyre.package.v1', files: listed(files) }), files, signature };
}

function graphOf({ bias = 0, ballast = 0, tableMib = 0, failsFrom }: SampleOptions): Uint8Array {
  const graph = graphBuilder({ name: 'sample' });
  graph.input('tenure', 'DOUBLE', ['N', 1]);
  graph.input('charges', 'DOUBLE', ['N', 1]);
  graph.input('senior', 'DOUBLE', ['N', 1]);
  graph.input('contract', 'STRING', ['N', 1]);
  const usual = graph.initializer('usual', tensor('DOUBLE', [1], Float64Array.of(65)));
  const charges = graph.op('Where', [graph.op('IsNaN', ['charges']), usual, 'charges']);
  const hot = graph.op('OneHotEncoder', ['contract'], {
    domain: mlDomain,
    attributes: { cats_strings: attr.strings([...contracts]), zeros: attr.int(1) },
  });
  const flat = graph.op('Reshape', [hot, graph.initializer('shape', tensor('INT64', [2], BigInt64Array.of(-1n, 3n)))]);
  const numbers = graph.op('Cast', [graph.op('Concat', ['tenure', charges, 'senior'], { attributes: { axis: attr.int(1) } })], {
    attributes: { to: attr.int(1) },
  });
  let features = graph.op('Concat', [numbers, flat], { attributes: { axis: attr.int(1) } });
  if (ballast > 0) features = withBallast(graph, features, ballast);
  if (tableMib > 0) features = withTable(graph, features, tableMib);
  if (failsFrom !== undefined) features = withFailure(graph, features, failsFrom);
  const [label, probabilities] = graph.node('LinearClassifier', [features], {
    domain: mlDomain,
    outputs: 2,
    attributes: {
      classlabels_strings: attr.strings(['No', 'Yes']),
      coefficients: attr.floats([0, 0, 0, 0, 0, 0, -0.05, 0.02, 0.3, 0.8, 0, -0.7]),
      intercepts: attr.floats([0, 0.5 + bias]),
      post_transform: attr.string('SOFTMAX'),
      multi_class: attr.int(0),
    },
  });
  graph.output('label', 'STRING', ['N'], label);
  graph.output('probabilities', 'FLOAT', ['N', 2], probabilities);
  return encodeModel(graph);
}

/** Work whose result is multiplied by zero: the runtime cannot know and does it. */
function withBallast(graph: ReturnType<typeof graphBuilder>, features: string, products: number): string {
  const wide = graph.initializer('wide', tensor('FLOAT', [6, 256], new Float32Array(6 * 256).fill(1e-3)));
  const square = graph.initializer('square', tensor('FLOAT', [256, 256], new Float32Array(256 * 256).fill(1e-3)));
  const narrow = graph.initializer('narrow', tensor('FLOAT', [256, 6], new Float32Array(256 * 6)));
  let value = graph.op('MatMul', [features, wide]);
  for (let k = 0; k < products; k++) value = graph.op('Tanh', [graph.op('MatMul', [value, square])]);
  return graph.op('Add', [features, graph.op('MatMul', [value, narrow])]);
}

/** Adds the row of zeros that stands at the tenure's place. */
function withTable(graph: ReturnType<typeof graphBuilder>, features: string, mebibytes: number): string {
  const rows = Math.ceil((mebibytes * 2 ** 20) / (6 * 4));
  const table = graph.initializer('table', tensor('FLOAT', [rows, 6], new Float32Array(rows * 6)));
  const index = graph.op('Reshape', [
    graph.op('Cast', ['tenure'], { attributes: { to: attr.int(7) } }),
    graph.initializer('flat', tensor('INT64', [1], BigInt64Array.of(-1n))),
  ]);
  return graph.op('Add', [features, graph.op('Gather', [table, index])]);
}

/** Takes the second of one value where the tenure is at least so much. */
function withFailure(graph: ReturnType<typeof graphBuilder>, features: string, from: number): string {
  const limit = graph.initializer('fails_from', tensor('DOUBLE', [1], Float64Array.of(from)));
  const one = graph.initializer('only_one', tensor('FLOAT', [1], new Float32Array(1)));
  const index = graph.op('Cast', [graph.op('GreaterOrEqual', ['tenure', limit])], { attributes: { to: attr.int(7) } });
  return graph.op('Add', [features, graph.op('Gather', [one, index])]);
}

function listed(files: readonly PackageFile[]): PackageFile[] {
  return files.map(({ path, digest, size }) => ({ path, digest, size }));
}

/** Writes a package as a folder, as `gyre serve --model` takes it. */
export async function writeSampleFolder(folder: string, sample: SamplePackage): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const { path, bytes } of sample.files) await writeFile(join(folder, path), bytes);
}

/** Puts a package's files among the blobs. */
export async function putSample(blobs: Pick<BlobStore, 'put'>, sample: SamplePackage): Promise<void> {
  for (const { bytes } of sample.files) await blobs.put(bytes);
}

/** A manifest that serves this package alone as `churn`, version and generation alike, everything logged. */
export function sampleManifest(sample: SamplePackage, generation: number, changes: Partial<ReleaseManifest> = {}): ReleaseManifest {
  return {
    format: 'gyre.manifest.v1',
    environment: 'production',
    endpoint: 'churn',
    generation,
    models: [
      {
        name: 'churn-model',
        version: String(generation),
        modelVersion: `model-version-${generation}`,
        package: sample.digest,
        files: listed(sample.files),
        signature: sample.signature,
        weight: 1,
      },
    ],
    log: { sample: 1 },
    limits: { maxBodyBytes: 1024 * 1024, maxRows: 5000 },
    tokenHashes: [],
    createdAt: '2026-01-01T00:00:00.000Z',
    ...changes,
  };
}
