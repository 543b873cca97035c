/** The two models that are served, and what ONNX Runtime itself says of the requests that are sent. */
import { seeded } from '#core';
import { appendToOnnx, fitBoosting, type TrainingData } from '#learners';
import { attr, encodeModel, type GraphBuilder, graphBuilder, openSession, tensor } from '#onnx';
import type { Signature } from '#contract';

export interface BenchModel {
  readonly name: 'gbdt' | 'cnn';
  readonly title: string;
  readonly graph: Uint8Array;
  readonly signature: Signature;
  readonly input: { readonly name: string; readonly shape: readonly number[] };
  /** The output that answers are checked by. */
  readonly output: { readonly name: string; readonly size: number };
  /** One row each. */
  readonly inputs: readonly Float32Array<ArrayBuffer>[];
  /** What ONNX Runtime gives for each input, by a session of its own. */
  readonly expected: readonly Float32Array[];
}

const features = 20;
const classes = ['no', 'yes'] as const;

/** A hundred trees of up to 31 leaves on 20 features, fitted to 4,000 rows of a rule with noise. */
export async function gbdtModel(): Promise<BenchModel> {
  const model = await fitBoosting(
    table(4000),
    {
      iterations: 100,
      learning_rate: 0.1,
      max_leaves: 31,
      max_depth: 32,
      min_samples_leaf: 20,
      min_child_hessian: 1e-3,
      l2: 0,
      min_gain: 0,
      subsample: 1,
      colsample: 1,
      max_bins: 255,
      early_stopping_rounds: 0,
    },
    { random: seeded(1) },
  );
  const graph = graphBuilder({ name: 'gbdt' });
  const values = appendToOnnx(graph, graph.input('features', 'FLOAT', ['N', features]), model, { classes });
  if (values.kind !== 'classification') throw new Error('the trees are no classifier');
  graph.output('label', 'STRING', ['N'], values.label);
  graph.output('probabilities', 'FLOAT', ['N', classes.length], values.probabilities);
  const { values: rows } = table(32, 2).features;
  return finished({
    name: 'gbdt',
    title: `${model.trees.length} trees, ${features} features`,
    graph: encodeModel(graph),
    signature: {
      task: 'binary',
      inputs: [],
      tensors: [{ name: 'features', datatype: 'FP32', shape: [-1, features] }],
      outputs: [
        { name: 'label', datatype: 'BYTES', shape: [-1] },
        { name: 'probabilities', datatype: 'FP32', shape: [-1, classes.length] },
      ],
      classes: [...classes],
      positive: 'yes',
      threshold: 0.5,
    },
    input: { name: 'features', shape: [features] },
    output: { name: 'probabilities', size: classes.length },
    inputs: Array.from({ length: 32 }, (_, row) => rows.slice(row * features, (row + 1) * features)),
  });
}

function table(rows: number, seed = 1): TrainingData & { readonly features: { readonly values: Float32Array<ArrayBuffer> } } {
  const random = seeded(seed);
  const values = Float32Array.from({ length: rows * features }, () => random.normal());
  const targets = Float64Array.from({ length: rows }, (_, row) => {
    const [a, b, c, d] = values.subarray(row * features, row * features + 4);
    return a - 0.5 * b + (a > 0.3 ? 1.5 * c : d) + 0.7 * random.normal() > 0 ? 1 : 0;
  });
  const featureNames = Array.from({ length: features }, (_, column) => `f${column}`);
  return { task: 'binary', classes: classes.length, features: { rows, columns: features, values }, featureNames, targets };
}

const side = 96;
const scores = 1000;

/** MobileNetV2 (Sandler et al. 2018, table 2) at width 1 with its normalisations folded in, for 3x96x96, its weights drawn from a seed. */
export async function cnnModel(): Promise<BenchModel> {
  const graph = graphBuilder({ name: 'cnn' });
  const random = seeded(7);
  graph.input('image', 'FLOAT', ['N', 3, side, side]);
  const weights = (name: string, shape: readonly number[], fanIn: number): string => {
    const spread = Math.sqrt(2 / fanIn);
    const length = shape.reduce((size, axis) => size * axis, 1);
    return graph.initializer(
      name,
      tensor(
        'FLOAT',
        shape,
        Float32Array.from({ length }, () => spread * random.normal()),
      ),
    );
  };
  const layers = { graph, weights, low: scalar(graph, 'low', 0), high: scalar(graph, 'high', 6) };
  let channels = 32;
  let value = convolution(layers, 'image', { from: 3, to: channels, kernel: 3, stride: 2 });
  for (const [expansion, to, repeats, firstStride] of [
    [1, 16, 1, 1],
    [6, 24, 2, 2],
    [6, 32, 3, 2],
    [6, 64, 4, 2],
    [6, 96, 3, 1],
    [6, 160, 3, 2],
    [6, 320, 1, 1],
  ] as const) {
    for (let repeat = 0; repeat < repeats; repeat++) {
      value = bottleneck(layers, value, { from: channels, to, expansion, stride: repeat === 0 ? firstStride : 1 });
      channels = to;
    }
  }
  value = convolution(layers, value, { from: channels, to: 1280, kernel: 1, stride: 1 });
  const pooled = graph.op('Flatten', [graph.op('GlobalAveragePool', [value])], { attributes: { axis: attr.int(1) } });
  const logits = graph.op('Gemm', [pooled, weights('head', [1280, scores], 1280)]);
  graph.output('scores', 'FLOAT', ['N', scores], graph.op('Softmax', [logits], { attributes: { axis: attr.int(1) } }));
  const pixels = seeded(11);
  return finished({
    name: 'cnn',
    title: `MobileNetV2, 3x${side}x${side}`,
    graph: encodeModel(graph),
    signature: {
      inputs: [],
      tensors: [{ name: 'image', datatype: 'FP32', shape: [-1, 3, side, side] }],
      outputs: [{ name: 'scores', datatype: 'FP32', shape: [-1, scores] }],
      classes: [],
    },
    input: { name: 'image', shape: [3, side, side] },
    output: { name: 'scores', size: scores },
    inputs: Array.from({ length: 8 }, () => Float32Array.from({ length: 3 * side * side }, () => pixels.int(256) / 255)),
  });
}

interface Layers {
  readonly graph: GraphBuilder;
  readonly weights: (name: string, shape: readonly number[], fanIn: number) => string;
  readonly low: string;
  readonly high: string;
}

interface Convolution {
  readonly from: number;
  readonly to: number;
  readonly kernel: number;
  readonly stride: number;
  /** A filter for each channel by itself. */
  readonly isDepthwise?: boolean;
  readonly isLinear?: boolean;
}

function convolution({ graph, weights, low, high }: Layers, value: string, layer: Convolution): string {
  const { from, to, kernel, stride, isDepthwise = false, isLinear = false } = layer;
  const depth = isDepthwise ? 1 : from;
  const filters = weights('filters', [to, depth, kernel, kernel], depth * kernel * kernel);
  const bias = graph.initializer('bias', tensor('FLOAT', [to], new Float32Array(to).fill(0.01)));
  const pad = (kernel - 1) / 2;
  const out = graph.op('Conv', [value, filters, bias], {
    attributes: {
      group: attr.int(isDepthwise ? from : 1),
      kernel_shape: attr.ints([kernel, kernel]),
      pads: attr.ints([pad, pad, pad, pad]),
      strides: attr.ints([stride, stride]),
    },
  });
  return isLinear ? out : graph.op('Clip', [out, low, high]);
}

function bottleneck(
  layers: Layers,
  value: string,
  { from, to, expansion, stride }: { readonly from: number; readonly to: number; readonly expansion: number; readonly stride: number },
): string {
  const wide = from * expansion;
  const expanded = expansion === 1 ? value : convolution(layers, value, { from, to: wide, kernel: 1, stride: 1 });
  const filtered = convolution(layers, expanded, { from: wide, to: wide, kernel: 3, stride, isDepthwise: true });
  const narrow = convolution(layers, filtered, { from: wide, to, kernel: 1, stride: 1, isLinear: true });
  return stride === 1 && from === to ? layers.graph.op('Add', [value, narrow]) : narrow;
}

function scalar(graph: GraphBuilder, name: string, value: number): string {
  return graph.initializer(name, tensor('FLOAT', [], Float32Array.of(value)));
}

async function finished(model: Omit<BenchModel, 'expected'>): Promise<BenchModel> {
  await using session = await openSession(model.graph);
  const expected: Float32Array[] = [];
  for (const input of model.inputs) {
    const answer = (await session.run({ [model.input.name]: tensor('FLOAT', [1, ...model.input.shape], input) }))[model.output.name];
    if (answer.type !== 'FLOAT') throw new Error(`${model.output.name} is no FLOAT`);
    expected.push(answer.data);
  }
  return { ...model, expected };
}
