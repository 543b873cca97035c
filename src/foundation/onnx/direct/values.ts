import { GyreError } from '#core';
import type { ElementType, Tensor } from '../tensor.ts';
import type { NodeView } from '../view.ts';

export type Data = Tensor['data'];

/** A value of the graph with a row for each row that is fed: its shape is [rows, ...axes]. Its values stand in a slot while it runs. */
export interface RowsValue {
  readonly kind: 'rows';
  readonly type: ElementType;
  readonly axes: readonly number[];
  readonly slot: number;
  /** Of whole numbers that are places in a list: how long it is; they are from 0 to before it. */
  readonly places?: number;
}

/** A value that is the same whatever is fed. */
export interface FixedValue {
  readonly kind: 'fixed';
  readonly tensor: Tensor;
}

export type Value = RowsValue | FixedValue;

/** Computes the values of one node: reads slots and fills others, for as many rows as are fed. */
export type Step = (slots: Data[], rows: number) => void;

/** What a node becomes: its outputs, in their order, and the step that fills those that are new. */
export interface Compiled {
  readonly outputs: readonly Value[];
  /** None where the outputs are values that there are already, under another name or shape. */
  readonly step?: Step;
}

/** How float32 arithmetic is done where processors differ: which kernels of ONNX Runtime are meant. */
export interface Arithmetic {
  /** Whether a product and a sum are rounded once (FMA) or twice. */
  readonly isFused: boolean;
  /** How many values the kernel of Softmax has at once. */
  readonly lanes: 4 | 8 | 16;
}

/** A node in the middle of its graph. */
export interface NodeSite {
  readonly node: NodeView;
  /** In their order; undefined for an optional one that is left out. */
  readonly inputs: readonly (Value | undefined)[];
  /** Of the node's domain. */
  readonly opset: number;
  readonly arithmetic: Arithmetic;
  /** A new value, which the node's step has to fill. */
  make(type: ElementType, axes: readonly number[], places?: number): RowsValue;
}

/** Compiles nodes of one kind. @returns undefined for what it does not know to compute exactly as ONNX Runtime does */
export type Operator = (site: NodeSite) => Compiled | undefined;

/** Values of a row. */
export function widthOf({ axes }: { readonly axes: readonly number[] }): number {
  return axes.reduce((width, axis) => width * axis, 1);
}

/** Float values of a slot that the compiler knows to hold such. */
export function floats(data: Data): Float32Array {
  if (data instanceof Float32Array) return data;
  throw misfit('FLOAT');
}

export function booleans(data: Data): Uint8Array {
  if (data instanceof Uint8Array) return data;
  throw misfit('BOOL');
}

export function int64s(data: Data): BigInt64Array {
  if (data instanceof BigInt64Array) return data;
  throw misfit('INT64');
}

export function texts(data: Data): readonly string[] {
  if (Array.isArray(data)) return data;
  throw misfit('STRING');
}

/** A value as it is given out. */
export function tensorOf(type: ElementType, shape: readonly number[], data: Data): Tensor {
  if (type === 'FLOAT') return { type, shape, data: floats(data) };
  if (type === 'INT64') return { type, shape, data: int64s(data) };
  if (type === 'BOOL') return { type, shape, data: booleans(data) };
  if (type === 'STRING') return { type, shape, data: texts(data) };
  throw new GyreError('INTERNAL', `a compiled graph has an output of ${type}, which it was not to have`);
}

function misfit(type: ElementType): GyreError {
  return new GyreError('INTERNAL', `a value of a compiled graph is not ${type}, as it was compiled to be`);
}
