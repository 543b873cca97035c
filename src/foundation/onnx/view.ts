import type { AttributeValue } from './model.ts';
import type { Dimension, ElementType, Tensor } from './tensor.ts';

/** What a decoded input or output says of itself. */
export interface ValueView {
  readonly name: string;
  /** `tensor` is what Gyre runs; the others occur in foreign models (a ZipMap gives a sequence of maps). */
  readonly kind: 'tensor' | 'sequence' | 'map' | 'optional' | 'sparse tensor' | 'opaque' | 'none';
  /** Null for what is no tensor, or has an element type that Gyre does not run. */
  readonly type: ElementType | null;
  /** The number that ONNX gives the element type; 0 when there is none. */
  readonly typeCode: number;
  /** Null when no shape is declared. */
  readonly shape: readonly Dimension[] | null;
}

/** A constant of a decoded graph. Its values stay in the model's bytes until they are read. */
export interface TensorView {
  readonly name: string;
  readonly type: ElementType | null;
  readonly typeCode: number;
  readonly shape: readonly number[];
  /** Whether the values stand in another file; such a tensor cannot be read here. */
  readonly external: boolean;
  /** @throws GyreError INVALID_ARGUMENT when the values are elsewhere, of a type that Gyre does not run, or do not fit the shape */
  check(): void;
  /** A copy of the values. @throws GyreError as `check` does */
  read(): Tensor;
}

/** An attribute of a decoded node. Kinds that the writer does not write are told apart, with subgraphs opened. */
export type AttributeView =
  | Exclude<AttributeValue, { readonly type: 'TENSOR' }>
  | { readonly type: 'TENSOR'; readonly value: TensorView }
  | { readonly type: 'TENSORS'; readonly value: readonly TensorView[] }
  | { readonly type: 'GRAPH'; readonly value: GraphView }
  | { readonly type: 'GRAPHS'; readonly value: readonly GraphView[] }
  | { readonly type: 'OTHER'; readonly code: number };

export interface NodeView {
  readonly name: string;
  readonly domain: string;
  readonly opType: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** In the order of the file; a name can stand twice in a broken model. */
  readonly attributes: readonly { readonly name: string; readonly attribute: AttributeView }[];
}

export interface GraphView {
  readonly name: string;
  readonly inputs: readonly ValueView[];
  readonly outputs: readonly ValueView[];
  readonly nodes: readonly NodeView[];
  readonly initializers: readonly TensorView[];
}

/** An operator that a model defines itself. */
export interface FunctionView {
  readonly name: string;
  readonly domain: string;
  readonly nodes: readonly NodeView[];
}

/** A decoded model, as it stands in the file: `checkModel` says whether it is sound. */
export interface ModelView extends GraphView {
  readonly irVersion: number;
  readonly producerName: string;
  readonly producerVersion: string;
  readonly docString: string;
  /** Version by domain; `''` is ai.onnx. The last one counts when a broken model names a domain twice. */
  readonly opsets: Readonly<Record<string, number>>;
  readonly metadata: Readonly<Record<string, string>>;
  readonly functions: readonly FunctionView[];
}
