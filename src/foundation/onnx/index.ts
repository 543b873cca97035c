import './quiet-runtime.ts';
export { arrayOver, elementFacts, tensor } from './tensor.ts';
export type { Dimension, ElementType, Tensor, TensorDataOf, TensorOf } from './tensor.ts';
export { attr, mlDomain } from './model.ts';
export type { AttributeValue, GraphNode, GraphOutput, GraphState, ValueInfo } from './model.ts';
export { graphBuilder } from './builder.ts';
export type { GraphBuilder, GraphOptions, NodeOptions } from './builder.ts';
export type {
  ExecutionProvider,
  Feeds,
  InlineSessionOptions,
  RunOptions,
  Session,
  SessionOptions,
  SessionPool,
  SessionPoolOptions,
  SessionValue,
  WorkerRun,
} from './session-types.ts';
export { encodeModel } from './encode.ts';
export type { EncodeOptions } from './encode.ts';
export { decodeModel } from './decode.ts';
export { checkModel } from './check.ts';
export { inlineModel } from './inline.ts';
export { surroundModel } from './surround.ts';
export type { Surroundings } from './surround.ts';
export type { AttributeView, GraphView, ModelView, NodeView, TensorView, ValueView } from './view.ts';
export { requireFeeds } from './feeds.ts';
export { openSession } from './session.ts';
export { onnxRuntimeVersion } from './runtime-version.ts';
export { openSessionPool } from './pool.ts';
export { numberOf, realsOf, tensorAttribute, textOf } from './node-attributes.ts';
export { classLabels, readTreeNodes } from './tree-nodes.ts';
export type { LeafWeight, SplitMode, TreeNode, TreeNodes } from './tree-nodes.ts';
