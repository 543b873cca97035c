import { intsOf, numberOf, realsOf, textOf, textsOf } from '../node-attributes.ts';
import { newRows, widest, widthOf } from './values.ts';
import type { Operator } from './values.ts';

/** Scaler of float32 rows: `(x - offset) * scale`. */
export const scaler: Operator = ({ node, inputs: [input] }) => {
  const offsets = realsOf(node, 'offset');
  const scales = realsOf(node, 'scale');
  if (input?.kind !== 'rows' || input.type !== 'FLOAT' || input.axes.length !== 1 || offsets.length !== scales.length) return undefined;
  const width = input.axes[0];
  if (offsets.length !== width && offsets.length !== 1) return undefined;
  const offset = Float64Array.from({ length: width }, (_, column) => offsets[offsets.length === 1 ? 0 : column]);
  const scale = Float64Array.from({ length: width }, (_, column) => scales[scales.length === 1 ? 0 : column]);
  const made = newRows('FLOAT', input.axes);
  const [from, to] = [input.block, made.block];
  return {
    outputs: [made],
    step: (rows) => {
      for (let row = 0, at = 0; row < rows; row++) {
        for (let column = 0; column < width; column++, at++) to[at] = Math.fround(from[at] - offset[column]) * scale[column];
      }
    },
  };
};

/** Imputer of float32 rows. */
export const imputer: Operator = ({ node, inputs: [input] }) => {
  const fills = realsOf(node, 'imputed_value_floats');
  const replaced = numberOf(node, 'replaced_value_float') ?? 0;
  if (input?.kind !== 'rows' || input.type !== 'FLOAT' || input.axes.length !== 1) return undefined;
  const width = input.axes[0];
  if (fills.length !== width && fills.length !== 1) return undefined;
  const fill = Float64Array.from({ length: width }, (_, column) => fills[fills.length === 1 ? 0 : column]);
  const made = newRows('FLOAT', input.axes);
  const [from, to] = [input.block, made.block];
  const isOfNaN = Number.isNaN(replaced);
  return {
    outputs: [made],
    step: (rows) => {
      for (let row = 0, at = 0; row < rows; row++) {
        for (let column = 0; column < width; column++, at++) {
          const value = from[at];
          const isReplaced = isOfNaN ? Number.isNaN(value) : value === replaced;
          to[at] = isReplaced ? fill[column] : value;
        }
      }
    },
  };
};

/** Normalizer of float32 rows by the sum of their sizes, or by the greatest. */
export const normalizer: Operator = ({ node, inputs: [input] }) => {
  const norm = textOf(node, 'norm') ?? 'MAX';
  if (input?.kind !== 'rows' || input.type !== 'FLOAT' || input.axes.length !== 1 || norm !== 'L1') return undefined;
  const width = input.axes[0];
  const made = newRows('FLOAT', input.axes);
  const [from, to] = [input.block, made.block];
  return {
    outputs: [made],
    step: (rows) => {
      for (let row = 0; row < rows; row++) {
        const start = row * width;
        let sum = 0;
        for (let at = start; at < start + width; at++) sum = Math.fround(sum + Math.abs(from[at]));
        for (let at = start; at < start + width; at++) to[at] = sum === 0 ? from[at] : from[at] / sum;
      }
    },
  };
};

/** OneHotEncoder of texts, where what is unknown has no one (else the runtime fails for it). */
export const oneHotEncoder: Operator = ({ node, inputs: [input] }) => {
  const categories = textsOf(node, 'cats_strings');
  if (input?.kind !== 'rows' || input.type !== 'STRING' || (numberOf(node, 'zeros') ?? 1) === 0) return undefined;
  if (categories.length === 0 || intsOf(node, 'cats_int64s').length > 0 || new Set(categories).size !== categories.length) return undefined;
  const places = new Map(categories.map((category, at) => [category, at]));
  const count = widthOf(input);
  if (count * categories.length > widest) return undefined;
  const made = newRows('FLOAT', [...input.axes, categories.length]);
  const [from, to] = [input.block, made.block];
  return {
    outputs: [made],
    step: (rows) => {
      to.fill(0, 0, rows * count * categories.length);
      for (let at = 0; at < rows * count; at++) {
        const place = places.get(from[at]);
        if (place !== undefined) to[at * categories.length + place] = 1;
      }
    },
  };
};
