import { attr, tensor } from '#onnx';
import type { GraphBuilder } from '#onnx';

/** Small steps on float64 values [N, 1] of a graph; `truth` values are 1, 0 or NaN (missing). */
export interface DoubleMath {
  readonly constant: (value: number) => string;
  readonly op: (opType: string, ...inputs: string[]) => string;
  readonly isMissing: (value: string) => string;
  /** A bool value as 1 and 0. */
  readonly asDouble: (bool: string) => string;
  /** `result` where none of `operands` is missing, else missing. */
  readonly unlessMissing: (operands: readonly string[], result: string) => string;
}

/** The element type DOUBLE in ONNX's numbering, as Cast wants it. */
export const castToDouble = { attributes: { to: attr.int(11) } };

/** Constants are shared: one initializer for each value. */
export function doubleMath(graph: GraphBuilder): DoubleMath {
  const constants = new Map<number, string>();
  const constant = (value: number): string => {
    const known = constants.get(value);
    if (known !== undefined) return known;
    const made = graph.initializer('number', tensor('DOUBLE', [1], Float64Array.of(value)));
    constants.set(value, made);
    return made;
  };
  const op = (opType: string, ...inputs: string[]): string => graph.op(opType, inputs);
  const isMissing = (value: string): string => op('IsNaN', value);
  return {
    constant,
    op,
    isMissing,
    asDouble: (bool) => graph.op('Cast', [bool], castToDouble),
    unlessMissing: (operands, result) => {
      const missing = operands.map(isMissing).reduce((left, right) => op('Or', left, right));
      return op('Where', missing, constant(NaN), result);
    },
  };
}
