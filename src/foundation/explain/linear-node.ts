import { classLabels, numberOf, realsOf } from '#onnx';
import type { NodeView } from '#onnx';
import type { GraphNodes } from './graph-nodes.ts';

/** A linear node: its raw output k is the sum of `coefficients[k][c] * x[c]`, and `intercepts[k]`. */
export interface LinearNode {
  readonly coefficients: readonly (readonly number[])[];
  readonly intercepts: readonly number[];
  /** Whether it has one margin for two classes: that of the second. */
  readonly isBinary: boolean;
}

/** Reads LinearClassifier and LinearRegressor (ai.onnx.ml). */
export function readLinear(node: NodeView): LinearNode | undefined {
  const flat = realsOf(node, 'coefficients');
  const intercepts = realsOf(node, 'intercepts');
  const isClassifier = node.opType === 'LinearClassifier';
  const outputs = isClassifier ? intercepts.length || (classLabels(node)?.length ?? 0) : (numberOf(node, 'targets') ?? 1);
  if (outputs === 0 || flat.length === 0 || flat.length % outputs !== 0) return undefined;
  const columns = flat.length / outputs;
  return {
    coefficients: Array.from({ length: outputs }, (_, k) => flat.slice(k * columns, (k + 1) * columns)),
    intercepts: Array.from({ length: outputs }, (_, k) => intercepts[k] ?? 0),
    isBinary: isClassifier && outputs === 1,
  };
}

/** Reads `x W + b` as Gemm, or as MatMul with an Add behind it. @returns the value that holds the sums as well */
export function readProduct(nodes: GraphNodes, node: NodeView): { readonly linear: LinearNode; readonly output: string } | undefined {
  const [, weights] = node.inputs;
  const table = nodes.constant(weights);
  if (table?.shape.length !== 2) return undefined;
  if (node.opType === 'Gemm') {
    if (numberOf(node, 'transA') === 1) return undefined;
    const addend =
      node.inputs.length > 2 && node.inputs[2] !== '' ? nodes.constant(node.inputs[2]) : { shape: [], data: Float64Array.of(0) };
    const alpha = numberOf(node, 'alpha') ?? 1;
    const beta = numberOf(node, 'beta') ?? 1;
    const linear = linearOf(table.shape, table.data, numberOf(node, 'transB') === 1, addend?.data, alpha, beta);
    return linear === undefined ? undefined : { linear, output: node.outputs[0] };
  }
  const readers = nodes.model.nodes.filter(({ inputs }) => inputs.includes(node.outputs[0]));
  const [add] = readers;
  const other = readers.length === 1 && add.opType === 'Add' ? add.inputs.find((input) => input !== node.outputs[0]) : undefined;
  const addend = other === undefined ? undefined : nodes.constant(other);
  const linear = linearOf(table.shape, table.data, false, addend?.data ?? Float64Array.of(0), 1, 1);
  return linear === undefined ? undefined : { linear, output: addend === undefined ? node.outputs[0] : add.outputs[0] };
}

function linearOf(
  shape: readonly number[],
  weights: Float64Array,
  isTransposed: boolean,
  addend: Float64Array | undefined,
  alpha: number,
  beta: number,
): LinearNode | undefined {
  const [columns, outputs] = isTransposed ? [shape[1], shape[0]] : shape;
  if (addend === undefined || (addend.length !== 1 && addend.length !== outputs)) return undefined;
  return {
    coefficients: Array.from({ length: outputs }, (_, k) =>
      Array.from({ length: columns }, (__, c) => alpha * weights[isTransposed ? k * columns + c : c * outputs + k]),
    ),
    intercepts: Array.from({ length: outputs }, (_, k) => beta * addend[addend.length === 1 ? 0 : k]),
    isBinary: false,
  };
}
