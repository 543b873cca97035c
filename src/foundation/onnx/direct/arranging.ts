import { numberOf } from '../node-attributes.ts';
import { elementTypeOf } from '../tensor.ts';
import { booleans, floats, int64s, widthOf } from './values.ts';
import type { Compiled, Data, Operator, RowsValue } from './values.ts';

export const identity: Operator = ({ inputs: [input] }) => (input === undefined ? undefined : { outputs: [input] });

/** Other axes for the same values: Reshape to [-1], [-1, width] or [0, …], which keep a row's values together. */
export const reshape: Operator = ({ node, inputs: [input, shape] }) => {
  if (input?.kind !== 'rows' || shape?.kind !== 'fixed' || shape.tensor.type !== 'INT64') return undefined;
  if ((numberOf(node, 'allowzero') ?? 0) !== 0) return undefined;
  const [rows, ...rest] = Array.from(shape.tensor.data, Number);
  // A zero copies the axis of the input: in front, that of the rows.
  const axes = rest.map((axis, at) => (axis === 0 ? input.axes[at] : axis));
  if (axes.some((axis) => axis === undefined)) return undefined;
  const width = widthOf(input);
  const open = axes.indexOf(-1);
  if (rows === 0 && open >= 0) axes[open] = width / axes.reduce((size, axis) => (axis === -1 ? size : size * axis), 1);
  else if (rows !== -1 && rows !== 0) return undefined;
  return sameValues(input, axes);
};

export const flatten: Operator = ({ node, inputs: [input] }) =>
  input?.kind === 'rows' && (numberOf(node, 'axis') ?? 1) === 1 ? sameValues(input, [widthOf(input)]) : undefined;

function sameValues(input: RowsValue, axes: readonly number[]): Compiled | undefined {
  if (widthOf({ axes }) !== widthOf(input) || axes.some((axis) => axis < 1)) return undefined;
  return { outputs: [{ ...input, axes }] };
}

/** Values side by side, along the axis behind the rows (the last one). */
export const concat: Operator = ({ node, inputs, make }) => {
  const parts = inputs.filter((input): input is RowsValue => input?.kind === 'rows');
  const [first] = parts;
  if (first === undefined || parts.length !== inputs.length || parts.some(({ axes }) => axes.length !== 1)) return undefined;
  const axis = numberOf(node, 'axis');
  if ((axis !== 1 && axis !== -1) || parts.some(({ type }) => type !== first.type) || !(first.type in joiners)) return undefined;
  const widths = parts.map(widthOf);
  const made = make(first.type, [widths.reduce((sum, width) => sum + width, 0)]);
  const join = joiners[first.type];
  const slots = parts.map(({ slot }) => slot);
  return (
    join && {
      outputs: [made],
      step: (all, rows) =>
        (all[made.slot] = join(
          slots.map((slot) => all[slot]),
          widths,
          rows,
        )),
    }
  );
};

type Join = (parts: readonly Data[], widths: readonly number[], rows: number) => Data;

const joiners: Readonly<Record<string, Join | undefined>> = {
  FLOAT: (parts, widths, rows) => {
    const width = widths.reduce((sum, each) => sum + each, 0);
    const to = new Float32Array(rows * width);
    let start = 0;
    for (let part = 0; part < parts.length; part++) {
      const from = floats(parts[part]);
      const own = widths[part];
      for (let row = 0; row < rows; row++) for (let at = 0; at < own; at++) to[row * width + start + at] = from[row * own + at];
      start += own;
    }
    return to;
  },
};

/** Conversions that cannot fail and have one answer: of BOOL to numbers. */
export const cast: Operator = ({ node, inputs: [input], make }) => {
  const type = elementTypeOf(numberOf(node, 'to') ?? 0);
  if (input?.kind !== 'rows') return undefined;
  if (type === input.type) return { outputs: [input] };
  const width = widthOf(input);
  if (input.type !== 'BOOL') return undefined;
  if (type === 'INT64') {
    const made = make('INT64', input.axes, 2);
    return {
      outputs: [made],
      step: (slots, rows) => {
        const from = booleans(slots[input.slot]);
        const to = new BigInt64Array(rows * width);
        for (let at = 0; at < to.length; at++) to[at] = from[at] === 0 ? 0n : 1n;
        slots[made.slot] = to;
      },
    };
  }
  if (type !== 'FLOAT') return undefined;
  const made = make('FLOAT', input.axes);
  return {
    outputs: [made],
    step: (slots, rows) => {
      slots[made.slot] = Float32Array.from(booleans(slots[input.slot]).subarray(0, rows * width));
    },
  };
};

/** Entries of a constant list, by places that are known to be in it. */
export const gather: Operator = ({ node, inputs: [list, places], make }) => {
  if (list?.kind !== 'fixed' || list.tensor.shape.length !== 1 || (numberOf(node, 'axis') ?? 0) !== 0) return undefined;
  if (places?.kind !== 'rows' || places.type !== 'INT64' || !(places.places !== undefined && places.places <= list.tensor.shape[0]))
    return undefined;
  const width = widthOf(places);
  const { type, data } = list.tensor;
  if (type !== 'STRING' && type !== 'INT64') return undefined;
  const made = make(type, places.axes);
  return {
    outputs: [made],
    step: (slots, rows) => {
      const from = int64s(slots[places.slot]);
      if (type === 'STRING') {
        const to: string[] = [];
        for (let at = 0; at < rows * width; at++) to.push(data[Number(from[at])]);
        slots[made.slot] = to;
      } else {
        const to = new BigInt64Array(rows * width);
        for (let at = 0; at < to.length; at++) to[at] = data[Number(from[at])];
        slots[made.slot] = to;
      }
    },
  };
};
