export { elementTypeOf, sizeOf, tensor } from './tensor.ts';
export type { Dimension, ElementType, Tensor, TensorDataOf, TensorOf } from './tensor.ts';
export { attr, mlDomain } from './model.ts';
export type { AttributeValue, GraphNode, GraphOutput, GraphState, ValueInfo } from './model.ts';
export { graphBuilder } from './builder.ts';
export type { GraphBuilder, GraphOptions, NodeOptions } from './builder.ts';
export type { Feeds, RunOptions, Session, SessionOptions, SessionPool, SessionPoolOptions, SessionValue } from './session-types.ts';
export { encodeModel } from './encode.ts';
export type { EncodeOptions } from './encode.ts';
