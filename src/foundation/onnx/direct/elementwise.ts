import { broadcast } from './broadcast.ts';
import type { Operand } from './broadcast.ts';
import { newRows, widthOf } from './values.ts';
import type { Facts, Operator, RowsOf, Value } from './values.ts';

type Calculation = 'Add' | 'Sub' | 'Mul' | 'Div';
type Comparison = 'Less' | 'LessOrEqual' | 'Greater' | 'GreaterOrEqual' | 'Equal';
type Junction = 'And' | 'Or';
type Unary = 'Abs' | 'Neg' | 'Sqrt' | 'Floor' | 'Ceil';

/** Numbers that are rounded to their own precision when they are written. */
type Reals = Float32Array | Float64Array;

/** Operations of two tensors of one precision, spread over each other. IEEE 754 says what they give, to the last bit. */
export function calculation(kind: Calculation): Operator {
  return ({ inputs: [left, right] }) => {
    const type = realsOf(left);
    if (left === undefined || right === undefined || type === undefined || realsOf(right) !== type) return undefined;
    const spread = broadcast(left, right);
    if (spread === undefined) return undefined;
    const made = newRows(type, spread.axes, kind === 'Add' ? factsOfSum(left, right) : {});
    const [a, b] = [realBlock(left), realBlock(right)];
    const to: Reals = made.block;
    return { outputs: [made], step: (rows) => calculateRows(kind, { a, b, to, rows, width: spread.width, operands: spread.operands }) };
  };
}

/** Comparisons of two tensors of one precision, spread over each other. */
export function comparison(kind: Comparison): Operator {
  return ({ inputs: [left, right] }) => {
    const type = realsOf(left);
    if (left === undefined || right === undefined || type === undefined || realsOf(right) !== type) return undefined;
    const spread = broadcast(left, right);
    if (spread === undefined) return undefined;
    const made = newRows('BOOL', spread.axes, { isAtMostOne: kind === 'Equal' && (isOneOfMany(left, right) || isOneOfMany(right, left)) });
    const [a, b] = [realBlock(left), realBlock(right)];
    const to = made.block;
    return { outputs: [made], step: (rows) => compareRows(kind, { a, b, to, rows, width: spread.width, operands: spread.operands }) };
  };
}

/** And, Or. */
export function junction(kind: Junction): Operator {
  return ({ inputs: [left, right] }) => {
    const [a, b] = [truthBlock(left), truthBlock(right)];
    const spread = left && right && broadcast(left, right);
    if (a === undefined || b === undefined || spread === undefined) return undefined;
    const made = newRows('BOOL', spread.axes);
    const to = made.block;
    const { operands, width } = spread;
    const isAnd = kind === 'And';
    return {
      outputs: [made],
      step: (rows) => {
        for (let row = 0, at = 0; row < rows; row++) {
          for (let each = 0; each < width; each++, at++) {
            const one = a[placeOf(operands[0], row, each)];
            const other = b[placeOf(operands[1], row, each)];
            to[at] = isAnd ? one & other : one | other;
          }
        }
      },
    };
  };
}

/** Operations of each number by itself, of either precision. */
export function unary(kind: Unary): Operator {
  return ({ inputs: [input] }) => {
    if (input?.kind !== 'rows' || !isReal(input)) return undefined;
    const made = newRows(input.type, input.axes);
    const width = widthOf(input);
    const from: Reals = input.block;
    const to: Reals = made.block;
    return {
      outputs: [made],
      step: (rows) => {
        for (let at = 0; at < rows * width; at++) to[at] = unaryOf(kind, from[at]);
      },
    };
  };
}

export const isNaNOf: Operator = ({ inputs: [input] }) => {
  if (input?.kind !== 'rows' || !isReal(input)) return undefined;
  const made = newRows('BOOL', input.axes);
  const width = widthOf(input);
  const from: Reals = input.block;
  const to = made.block;
  return {
    outputs: [made],
    step: (rows) => {
      for (let at = 0; at < rows * width; at++) to[at] = Number(Number.isNaN(from[at]));
    },
  };
};

export const not: Operator = ({ inputs: [input] }) => {
  if (input?.kind !== 'rows' || input.type !== 'BOOL') return undefined;
  const made = newRows('BOOL', input.axes);
  const width = widthOf(input);
  const [from, to] = [input.block, made.block];
  return {
    outputs: [made],
    step: (rows) => {
      for (let at = 0; at < rows * width; at++) to[at] = 1 - from[at];
    },
  };
};

/** Numbers within two limits, which are constants; a missing one stays missing. */
export const clip: Operator = ({ opset, inputs: [input, low, high] }) => {
  if (opset < 11 || input?.kind !== 'rows' || !isReal(input)) return undefined;
  const least = limitOf(low, input.type) ?? -Infinity;
  const greatest = limitOf(high, input.type) ?? Infinity;
  if (Number.isNaN(least) || Number.isNaN(greatest) || least > greatest) return undefined;
  const made = newRows(input.type, input.axes);
  const width = widthOf(input);
  const from: Reals = input.block;
  const to: Reals = made.block;
  return {
    outputs: [made],
    step: (rows) => {
      for (let at = 0; at < rows * width; at++) {
        const value = from[at];
        to[at] = value < least ? least : value > greatest ? greatest : value;
      }
    },
  };
};

/** The only number of a constant of this type; NaN for what is no such, undefined where there is no limit. */
function limitOf(limit: Value | undefined, type: 'FLOAT' | 'DOUBLE'): number | undefined {
  if (limit === undefined) return undefined;
  const isOne = limit.kind === 'fixed' && limit.tensor.type === type && limit.tensor.data.length === 1;
  return isOne ? realBlock(limit)[0] : NaN;
}

/** One of two numbers, by a truth: all three spread over each other. */
export const where: Operator = ({ inputs: [truth, yes, no] }) => {
  const truths = truthBlock(truth);
  if (truth === undefined || truths === undefined || yes === undefined || no === undefined) return undefined;
  const type = realsOf(yes);
  if (type === undefined || realsOf(no) !== type) return undefined;
  const spread = broadcast(truth, yes, no);
  if (spread === undefined) return undefined;
  const made = newRows(type, spread.axes, factsOfChoice(yes, no));
  const [a, b] = [realBlock(yes), realBlock(no)];
  const to: Reals = made.block;
  const { width, operands } = spread;
  return {
    outputs: [made],
    step: (rows) => {
      for (let row = 0, at = 0; row < rows; row++) {
        for (let each = 0; each < width; each++, at++) {
          const isYes = truths[placeOf(operands[0], row, each)] !== 0;
          to[at] = isYes ? a[placeOf(operands[1], row, each)] : b[placeOf(operands[2], row, each)];
        }
      }
    },
  };
};

/** Sums of a few known numbers and a constant. */
function factsOfSum(left: Value, right: Value): Facts {
  const [one, other] = [amongOf(left), amongOf(right)];
  if (one === undefined || other === undefined || one.length * other.length > mostKnown) return {};
  return { among: one.flatMap((a) => other.map((b) => a + b)) };
}

function factsOfChoice(yes: Value, no: Value): Facts {
  const [one, other] = [amongOf(yes), amongOf(no)];
  return one === undefined || other === undefined ? {} : { among: [...one, ...other] };
}

/** More are not kept. */
const mostKnown = 4096;

/** All float64 numbers that a value can have, where they are known and few. */
function amongOf(value: Value): readonly number[] | undefined {
  if (value.kind === 'rows') return value.type === 'DOUBLE' ? value.among : undefined;
  const { data } = value.tensor;
  return data instanceof Float64Array && data.length <= mostKnown ? Array.from(data) : undefined;
}

/** Whether one number of each row is compared with constants of which no two are equal. */
function isOneOfMany(one: Value, many: Value): boolean {
  if (one.kind !== 'rows' || many.kind !== 'fixed' || widthOf(one) !== 1) return false;
  const values = Array.from(realBlock(many));
  return new Set(values).size === values.length;
}

interface Rows<T> {
  readonly a: Reals;
  readonly b: Reals;
  readonly to: T;
  readonly rows: number;
  readonly width: number;
  readonly operands: readonly Operand[];
}

function calculateRows(kind: Calculation, { a, b, to, rows, width, operands: [left, right] }: Rows<Reals>): void {
  for (let row = 0, at = 0; row < rows; row++) {
    for (let each = 0; each < width; each++, at++) {
      to[at] = calculate(kind, a[placeOf(left, row, each)], b[placeOf(right, row, each)]);
    }
  }
}

function compareRows(kind: Comparison, { a, b, to, rows, width, operands: [left, right] }: Rows<Uint8Array>): void {
  for (let row = 0, at = 0; row < rows; row++) {
    for (let each = 0; each < width; each++, at++) {
      to[at] = Number(compare(kind, a[placeOf(left, row, each)], b[placeOf(right, row, each)]));
    }
  }
}

function placeOf({ stride, places }: Operand, row: number, each: number): number {
  return row * stride + places[each];
}

function calculate(kind: Calculation, a: number, b: number): number {
  switch (kind) {
    case 'Add':
      return a + b;
    case 'Sub':
      return a - b;
    case 'Mul':
      return a * b;
    case 'Div':
      return a / b;
  }
}

function compare(kind: Comparison, a: number, b: number): boolean {
  switch (kind) {
    case 'Less':
      return a < b;
    case 'LessOrEqual':
      return a <= b;
    case 'Greater':
      return a > b;
    case 'GreaterOrEqual':
      return a >= b;
    case 'Equal':
      return a === b;
  }
}

function unaryOf(kind: Unary, value: number): number {
  switch (kind) {
    case 'Abs':
      return Math.abs(value);
    case 'Neg':
      return -value;
    case 'Sqrt':
      return Math.sqrt(value);
    case 'Floor':
      return Math.floor(value);
    case 'Ceil':
      return Math.ceil(value);
  }
}

function isReal(value: { readonly type: string }): value is RowsOf<'FLOAT'> | RowsOf<'DOUBLE'> {
  return value.type === 'FLOAT' || value.type === 'DOUBLE';
}

/** FLOAT or DOUBLE where the value is of these. */
function realsOf(value: Value | undefined): 'FLOAT' | 'DOUBLE' | undefined {
  const type = value?.kind === 'rows' ? value.type : value?.tensor.type;
  return type === 'FLOAT' || type === 'DOUBLE' ? type : undefined;
}

/** The array of truths, of which each is 0 or 1. */
function truthBlock(value: Value | undefined): Uint8Array | undefined {
  if (value?.kind === 'rows') return value.type === 'BOOL' ? value.block : undefined;
  return value?.tensor.type === 'BOOL' ? value.tensor.data : undefined;
}

/** The array of a value that `realsOf` knows. */
function realBlock(value: Value): Reals {
  if (value.kind === 'rows') return isReal(value) ? value.block : new Float64Array(0);
  const { data } = value.tensor;
  return data instanceof Float32Array || data instanceof Float64Array ? data : new Float64Array(0);
}
