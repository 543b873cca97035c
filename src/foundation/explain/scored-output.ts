import type { ExplanationScale, Signature } from '#contract';
import { GyreError } from '#core';
import type { Session, Tensor } from '#onnx';
import { classAt } from './request.ts';

/** The output of a model that is explained where its graph is not looked into. */
export interface ScoredOutput {
  readonly name: string;
  readonly scale: ExplanationScale;
  readonly classes: readonly string[];
  /** Whether the second of two classes is meant where nobody says which. */
  readonly isBinary: boolean;
}

/**
 * @param asked an output by name; default: the signature's probabilities or prediction, else the first output of real numbers
 * @throws GyreError INVALID_ARGUMENT when there is no such output of real numbers
 */
export function scoredOutput(session: Pick<Session, 'outputs'>, signature: Signature, asked: string | undefined): ScoredOutput {
  const real = session.outputs.filter(({ type }) => type === 'FLOAT' || type === 'DOUBLE' || type === 'FLOAT16').map(({ name }) => name);
  const usual = ['probabilities', 'prediction'].find((name) => real.includes(name));
  const name = asked ?? usual ?? real.at(0);
  if (name === undefined || !real.includes(name))
    throw new GyreError(
      'INVALID_ARGUMENT',
      real.length === 0
        ? 'the model gives no real numbers that could be explained'
        : `the model gives no real numbers as "${(name ?? '').slice(0, 100)}"; it gives ${real.map((each) => `"${each}"`).join(', ')}`,
      { output: asked },
    );
  const isProbability = name === 'probabilities' && signature.classes.length > 0;
  return {
    name,
    scale: isProbability ? 'probability' : name === 'prediction' ? 'value' : 'score',
    classes: isProbability ? signature.classes : [],
    isBinary: isProbability && signature.classes.length === 2,
  };
}

/** The values of a row in an output. */
export function scoresOf(tensor: Tensor, rows: number): { readonly values: Float64Array; readonly width: number } {
  const values = Float64Array.from<unknown>(tensor.data, Number);
  return { values, width: values.length / rows };
}

/** Which column of the output is explained. @param scores of the row @throws GyreError INVALID_ARGUMENT for a class there is not */
export function chosenColumn({ classes, isBinary }: ScoredOutput, scores: Float64Array, asked: string | undefined): number {
  if (asked === undefined) return isBinary ? 1 : scores.reduce((best, score, k) => (score > scores[best] ? k : best), 0);
  return classAt(classes.length > 0 ? classes : Array.from(scores, (_, k) => String(k)), asked);
}

export function nameOf({ classes }: ScoredOutput, column: number, width: number): string | undefined {
  return width === 1 ? undefined : (classes[column] ?? String(column));
}
