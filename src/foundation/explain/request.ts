import type { ExplanationBackground, ExplainOptions, Signature } from '#contract';
import { GyreError } from '#core';
import type { Feeds } from '#onnx';

/** A model as explanations need it: its graph, and what its package says of it. */
export interface ModelParts {
  readonly graph: Uint8Array;
  readonly signature: Signature;
  /** The text of `learner.json`, where the package is of a learner of ours. */
  readonly learner?: string;
}

/** Rows that contributions are measured from. */
export interface Background {
  readonly kind: ExplanationBackground['kind'];
  readonly feeds: Feeds;
  /** One for each row; > 0. */
  readonly weights: readonly number[];
}

/** Rows to explain. */
export interface ExplainJob {
  readonly feeds: Feeds;
  /** What is to be explained of them: `ExplainOptions` of the contract. */
  readonly options: ExplainOptions;
  readonly background: Background;
}

/** Asked between two pieces of work. @throws GyreError when nobody waits any longer */
export type Patience = () => void;

/** Rows of a request, by its first tensor. */
export function rowsOf(feeds: Feeds): number {
  return Object.values(feeds)[0]?.shape[0] ?? 0;
}

/** @returns which of the classes is meant @throws GyreError INVALID_ARGUMENT naming those there are */
export function classAt(classes: readonly string[], asked: string): number {
  const at = classes.indexOf(asked);
  if (at >= 0) return at;
  throw new GyreError(
    'INVALID_ARGUMENT',
    `the model has no class "${asked.slice(0, 100)}"; it has ${classes.slice(0, 20).map((name) => `"${name}"`).join(', ')}${classes.length > 20 ? ' …' : ''}`, // prettier-ignore
    { class: asked },
  );
}
