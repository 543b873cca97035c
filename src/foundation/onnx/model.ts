import type { Dimension, ElementType, Tensor } from './tensor.ts';

/** The value of a node's attribute. INTS as plain numbers when all are safe integers, else as 64-bit ones. */
export type AttributeValue =
  | { readonly type: 'FLOAT'; readonly value: number }
  | { readonly type: 'INT'; readonly value: number | bigint }
  | { readonly type: 'STRING'; readonly value: string }
  | { readonly type: 'TENSOR'; readonly value: Tensor }
  | { readonly type: 'FLOATS'; readonly value: Float32Array | readonly number[] }
  | { readonly type: 'INTS'; readonly value: BigInt64Array | Int32Array | readonly number[] }
  | { readonly type: 'STRINGS'; readonly value: readonly string[] };

/** Makers of attribute values: `{ axis: attr.int(1), nodes_values: attr.floats(thresholds) }`. */
export const attr = {
  float: (value: number): AttributeValue => ({ type: 'FLOAT', value }),
  int: (value: number | bigint): AttributeValue => ({ type: 'INT', value }),
  string: (value: string): AttributeValue => ({ type: 'STRING', value }),
  tensor: (value: Tensor): AttributeValue => ({ type: 'TENSOR', value }),
  floats: (value: Float32Array | readonly number[]): AttributeValue => ({ type: 'FLOATS', value }),
  ints: (value: BigInt64Array | Int32Array | readonly number[]): AttributeValue => ({ type: 'INTS', value }),
  strings: (value: readonly string[]): AttributeValue => ({ type: 'STRINGS', value }),
} as const;

/** An input or output of a graph that is written: a dense tensor with a declared shape. */
export interface ValueInfo {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly Dimension[];
}

/** One operation: what it reads and writes, by value name. An input `''` is an optional one left out. */
export interface GraphNode {
  readonly name: string;
  /** `''` is ai.onnx, `'ai.onnx.ml'` the classic learners. */
  readonly domain: string;
  readonly opType: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, AttributeValue>>;
}

/** An output of an encoded graph: which value of the builder it shows, under which public name. */
export interface GraphOutput extends ValueInfo {
  readonly value: string;
}

/** The state of a builder: what `encodeModel` writes. */
export interface GraphState {
  readonly name: string;
  readonly opset: number;
  readonly mlOpset: number;
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly GraphOutput[];
  readonly initializers: ReadonlyMap<string, Tensor>;
  readonly nodes: readonly GraphNode[];
}

/** The domain of the classic learners and encoders. */
export const mlDomain = 'ai.onnx.ml';
