import { numberOf } from '../node-attributes.ts';
import { elementTypeOf } from '../tensor.ts';
import type { Tensor } from '../tensor.ts';
import { newRows, widest, widthOf } from './values.ts';
import type { Compiled, Facts, Operator, RowsOf, RowsValue, Step } from './values.ts';

export const identity: Operator = ({ inputs: [input] }) => (input === undefined ? undefined : { outputs: [input] });

/** Other axes for the same values: Reshape to [-1], [-1, width] or [0, …], which keep a row's values together. */
export const reshape: Operator = ({ node, inputs: [input, shape] }) => {
  if (input?.kind !== 'rows' || shape?.kind !== 'fixed' || shape.tensor.type !== 'INT64') return undefined;
  if ((numberOf(node, 'allowzero') ?? 0) !== 0) return undefined;
  const [rows, ...rest] = Array.from(shape.tensor.data, Number);
  // A zero copies the axis of the input: in front, that of the rows.
  const axes = rest.map((axis, at) => (axis === 0 ? (input.axes[at] ?? 0) : axis));
  const open = axes.indexOf(-1);
  if (rows === 0 && open >= 0) axes[open] = widthOf(input) / axes.reduce((size, axis) => (axis === -1 ? size : size * axis), 1);
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
export const concat: Operator = ({ node, inputs }) => {
  const parts = inputs.filter((input) => input?.kind === 'rows');
  const [first] = parts;
  const axis = numberOf(node, 'axis');
  if (first === undefined || parts.length !== inputs.length || (axis !== 1 && axis !== -1)) return undefined;
  if (parts.some(({ type, axes }) => type !== first.type || axes.length !== 1)) return undefined;
  const width = parts.reduce((sum, { axes }) => sum + axes[0], 0);
  if (width > widest) return undefined;
  const made = newRows(first.type, [width]);
  const moves: Step[] = [];
  let start = 0;
  for (const part of parts) {
    const move = mover(part, { made, start, width });
    if (move === undefined) return undefined;
    moves.push(move);
    start += part.axes[0];
  }
  return {
    outputs: [made],
    step: (rows, total) => {
      for (const move of moves) move(rows, total);
    },
  };
};

interface Place {
  readonly made: RowsValue;
  readonly start: number;
  readonly width: number;
}

/** Copies a part to its place in the rows of the whole. */
function mover(part: RowsValue, { made, start, width }: Place): Step | undefined {
  if (part.type === 'STRING' && made.type === 'STRING') {
    return (rows) => moveRows(part.block, made.block, { own: part.axes[0], start, width, rows });
  }
  if (part.type === 'STRING' || made.type === 'STRING') return undefined;
  return (rows) => moveRows(part.block, made.block, { own: part.axes[0], start, width, rows });
}

interface Move {
  readonly own: number;
  readonly start: number;
  readonly width: number;
  readonly rows: number;
}

function moveRows<T>(from: { readonly [at: number]: T }, to: { [at: number]: T }, { own, start, width, rows }: Move): void {
  for (let row = 0; row < rows; row++) for (let at = 0; at < own; at++) to[row * width + start + at] = from[row * own + at];
}

/** Conversions that cannot fail and have one answer: of truths to numbers, between the precisions, and of what is known to be whole. */
export const cast: Operator = ({ node, inputs: [input] }) => {
  const type = elementTypeOf(numberOf(node, 'to') ?? 0);
  if (input?.kind !== 'rows') return undefined;
  if (type === input.type) return { outputs: [input] };
  const isKnown =
    (input.type === 'BOOL' && (type === 'INT64' || type === 'FLOAT' || type === 'DOUBLE')) ||
    (input.type === 'INT64' && (type === 'FLOAT' || type === 'DOUBLE')) ||
    (input.type === 'DOUBLE' && type === 'INT64' && input.among?.every((value) => Number.isSafeInteger(value)) === true) ||
    (input.type === 'FLOAT' && type === 'DOUBLE') ||
    (input.type === 'DOUBLE' && type === 'FLOAT');
  if (!isKnown) return undefined;
  const made = newRows(type, input.axes, factsOfCast(input, type));
  const width = widthOf(input);
  return {
    outputs: [made],
    step: (rows) => {
      for (let at = 0; at < rows * width; at++) made.block[at] = input.block[at];
    },
  };
};

/** Whole numbers, and truths, are the same in every type that they are cast to. */
function factsOfCast(input: RowsValue, type: 'INT64' | 'FLOAT' | 'DOUBLE'): Facts {
  if (input.type === 'BOOL') return { among: [0, 1], isAtMostOne: input.isAtMostOne === true };
  return input.among === undefined || type === 'FLOAT' ? {} : { among: input.among };
}

/** Entries (along the first axis) of a constant by places that are known to be in it, or chosen columns of rows. */
export const gather: Operator = ({ node, inputs: [from, places] }) => {
  const axis = numberOf(node, 'axis') ?? 0;
  if (from?.kind === 'fixed' && places?.kind === 'rows' && places.type === 'INT64' && axis === 0) return entries(from.tensor, places);
  if (from?.kind === 'rows' && places?.kind === 'fixed' && places.tensor.type === 'INT64' && (axis === 1 || axis === -1)) {
    return columns(from, places.tensor);
  }
  return undefined;
};

function entries({ type, shape, data }: Tensor, places: RowsOf<'INT64'>): Compiled | undefined {
  const isInside = (place: number): boolean => Number.isInteger(place) && place >= 0 && place < shape[0];
  if (shape.length === 0 || places.among?.every(isInside) !== true) return undefined;
  const axes = shape.slice(1);
  const width = widthOf({ axes });
  const count = widthOf(places);
  const { block } = places;
  if (width === 0 || width * count > widest) return undefined;
  if (type === 'STRING') {
    const made = newRows(type, [...places.axes, ...axes]);
    return { outputs: [made], step: (rows) => moveEntries(data, made.block, { block, width, count: rows * count }) };
  }
  if (type !== 'FLOAT' && type !== 'DOUBLE' && type !== 'INT64') return undefined;
  // Whole numbers of a list stand as such in the blocks.
  const numbers = type === 'INT64' ? Float64Array.from(data, Number) : data;
  if (type === 'INT64' && !numbers.every((value) => Number.isSafeInteger(value))) return undefined;
  const made = newRows(type, [...places.axes, ...axes]);
  return { outputs: [made], step: (rows) => moveEntries(numbers, made.block, { block, width, count: rows * count }) };
}

interface Entries {
  readonly block: Float64Array;
  readonly width: number;
  readonly count: number;
}

function moveEntries<T>(from: { readonly [at: number]: T }, to: { [at: number]: T }, { block, width, count }: Entries): void {
  for (let at = 0; at < count; at++) for (let each = 0; each < width; each++) to[at * width + each] = from[block[at] * width + each];
}

function columns(from: RowsValue, chosen: Tensor): Compiled | undefined {
  if (chosen.shape.length !== 1 || from.axes.length !== 1) return undefined;
  const width = from.axes[0];
  const picked = Array.from<unknown, number>(chosen.data, Number).map((column) => (column < 0 ? column + width : column));
  if (picked.length === 0 || picked.length > widest || !picked.every((column) => column >= 0 && column < width)) return undefined;
  const at = Int32Array.from(picked);
  if (from.type === 'STRING') {
    const made = newRows(from.type, [at.length]);
    return { outputs: [made], step: (rows) => moveColumns(from.block, made.block, { at, width, rows }) };
  }
  const made = newRows(from.type, [at.length]);
  return { outputs: [made], step: (rows) => moveColumns(from.block, made.block, { at, width, rows }) };
}

interface Columns {
  readonly at: Int32Array;
  readonly width: number;
  readonly rows: number;
}

function moveColumns<T>(from: { readonly [at: number]: T }, to: { [at: number]: T }, { at, width, rows }: Columns): void {
  for (let row = 0; row < rows; row++) {
    for (let each = 0; each < at.length; each++) to[row * at.length + each] = from[row * width + at[each]];
  }
}
