import { intsOf, numberOf, realsOf, textOf, textsOf } from '../node-attributes.ts';
import { newRows, widthOf } from './values.ts';
import type { Operator } from './values.ts';

/** LabelEncoder of texts: their numbers or other texts, and a default for what is not known. */
export const labelEncoder: Operator = ({ node, opset, inputs: [input] }) => {
  const keys = textsOf(node, 'keys_strings');
  if (opset < 2 || input?.kind !== 'rows' || input.type !== 'STRING' || keys.length === 0 || new Set(keys).size !== keys.length)
    return undefined;
  const count = widthOf(input);
  const from = input.block;
  const texts = textsOf(node, 'values_strings');
  if (texts.length === keys.length) {
    const table = new Map(keys.map((key, at) => [key, texts[at]]));
    const otherwise = textOf(node, 'default_string') ?? '_Unused';
    const made = newRows('STRING', input.axes);
    const to = made.block;
    return {
      outputs: [made],
      step: (rows) => {
        for (let at = 0; at < rows * count; at++) to[at] = table.get(from[at]) ?? otherwise;
      },
    };
  }
  const wholes = intsOf(node, 'values_int64s');
  const isWhole = wholes.length === keys.length;
  const values = isWhole ? wholes : realsOf(node, 'values_floats');
  if (values.length !== keys.length || (isWhole && !wholes.every((value) => Number.isSafeInteger(value)))) return undefined;
  const table = new Map(keys.map((key, at) => [key, values[at]]));
  const otherwise = isWhole ? (numberOf(node, 'default_int64') ?? -1) : (numberOf(node, 'default_float') ?? -0);
  const made = isWhole ? newRows('INT64', input.axes, { among: [...values, otherwise] }) : newRows('FLOAT', input.axes);
  const to: Float32Array | Float64Array = made.block;
  return {
    outputs: [made],
    step: (rows) => {
      for (let at = 0; at < rows * count; at++) to[at] = table.get(from[at]) ?? otherwise;
    },
  };
};
