import type { Tensor } from '../tensor.ts';
import type { NodeView } from '../view.ts';

/**
 * How many rows are computed at once: their values stand in arrays that are made once and are used again for the next rows.
 * Enough that a step is called seldom, and few enough that all its values stay in the cache.
 */
export const blockRows = 64;

/** The arrays that values stand in while a graph is computed. INT64 are whole numbers within ±2^53, BOOL are 0 and 1. */
export interface BlockOf {
  readonly FLOAT: Float32Array<ArrayBuffer>;
  readonly DOUBLE: Float64Array<ArrayBuffer>;
  readonly INT64: Float64Array<ArrayBuffer>;
  readonly BOOL: Uint8Array<ArrayBuffer>;
  readonly STRING: string[];
}

/** The element types that are computed with. */
export type DirectType = keyof BlockOf;

/** What is known of a value before it is computed. */
export interface Facts {
  /** All numbers that can stand in it. */
  readonly among?: readonly number[];
  /** Of truths, or 1 and 0 for them: whether a row has at most one that holds. */
  readonly isAtMostOne?: boolean;
}

/** A value of the graph with a row for each row that is fed: its shape is [rows, ...axes]. */
export interface RowsOf<T extends DirectType> extends Facts {
  readonly kind: 'rows';
  readonly type: T;
  readonly axes: readonly number[];
  /** The values of the rows that are computed just now, row by row. */
  readonly block: BlockOf[T];
}

export type RowsValue = { [T in DirectType]: RowsOf<T> }[DirectType];

/** A value that is the same whatever is fed. */
export interface FixedValue {
  readonly kind: 'fixed';
  readonly tensor: Tensor;
}

export type Value = RowsValue | FixedValue;

/**
 * Computes the values of one node for the first `rows` rows of the blocks. `total` is how many are fed altogether: some of ONNX Runtime's
 * kernels add in another order when they have one row only.
 */
export type Step = (rows: number, total: number) => void;

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
  readonly lanes: 8 | 16;
}

/** A node in the middle of its graph. */
export interface NodeSite {
  readonly node: NodeView;
  /** In their order; undefined for an optional one that is left out. */
  readonly inputs: readonly (Value | undefined)[];
  /** Of the node's domain. */
  readonly opset: number;
  readonly arithmetic: Arithmetic;
}

/** Compiles nodes of one kind. @returns undefined for what it does not know to compute exactly as ONNX Runtime does */
export type Operator = (site: NodeSite) => Compiled | undefined;

/** A new value, for a step to fill. */
export function newRows<T extends DirectType>(type: T, axes: readonly number[], known?: Facts): Extract<RowsValue, { readonly type: T }>;
export function newRows(type: DirectType, axes: readonly number[], known: Facts = {}): RowsValue {
  const length = blockRows * widthOf({ axes });
  const facts = { ...known, kind: 'rows', axes } as const;
  switch (type) {
    case 'FLOAT':
      return { ...facts, type, block: new Float32Array(length) };
    case 'DOUBLE':
    case 'INT64':
      return { ...facts, type, block: new Float64Array(length) };
    case 'BOOL':
      return { ...facts, type, block: new Uint8Array(length) };
    case 'STRING':
      return { ...facts, type, block: Array.from({ length }, () => '') };
  }
}

/** Wider rows are no table's: they are left to the runtime, since a block of them would take tens of megabytes. */
export const widest = 2 ** 15;

/** Values of a row. */
export function widthOf({ axes }: { readonly axes: readonly number[] }): number {
  return axes.reduce((width, axis) => width * axis, 1);
}
