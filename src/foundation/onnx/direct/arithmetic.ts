import type { Tensor } from '../tensor.ts';
import { broadcast } from './broadcast.ts';
import { floats } from './values.ts';
import type { Data, Operator, Value } from './values.ts';

type Calculation = 'Add' | 'Sub' | 'Mul' | 'Div';
type Comparison = 'Less' | 'LessOrEqual' | 'Greater' | 'GreaterOrEqual' | 'Equal';

/** Operations of two float32 tensors, spread over each other, as NumPy does it. */
export function calculation(kind: Calculation): Operator {
  return ({ inputs: [left, right], make }) => {
    const spread = left && right && ofFloats(left) && ofFloats(right) ? broadcast(left, right) : undefined;
    if (spread === undefined || left === undefined || right === undefined) return undefined;
    const made = make('FLOAT', spread.axes);
    const { width, left: leftAt, right: rightAt } = spread;
    const readLeft = reader(left);
    const readRight = reader(right);
    return {
      outputs: [made],
      step: (slots, rows) => {
        const a = readLeft(slots);
        const b = readRight(slots);
        const to = new Float32Array(rows * width);
        for (let row = 0, at = 0; row < rows; row++) {
          const aRow = row * leftAt.stride;
          const bRow = row * rightAt.stride;
          for (let each = 0; each < width; each++, at++) {
            to[at] = calculate(kind, a[aRow + leftAt.places[each]], b[bRow + rightAt.places[each]]);
          }
        }
        slots[made.slot] = to;
      },
    };
  };
}

/** Comparisons of two float32 tensors, spread over each other. */
export function comparison(kind: Comparison): Operator {
  return ({ inputs: [left, right], make }) => {
    const spread = left && right && ofFloats(left) && ofFloats(right) ? broadcast(left, right) : undefined;
    if (spread === undefined || left === undefined || right === undefined) return undefined;
    const made = make('BOOL', spread.axes);
    const { width, left: leftAt, right: rightAt } = spread;
    const readLeft = reader(left);
    const readRight = reader(right);
    return {
      outputs: [made],
      step: (slots, rows) => {
        const a = readLeft(slots);
        const b = readRight(slots);
        const to = new Uint8Array(rows * width);
        for (let row = 0, at = 0; row < rows; row++) {
          const aRow = row * leftAt.stride;
          const bRow = row * rightAt.stride;
          for (let each = 0; each < width; each++, at++) {
            to[at] = Number(compare(kind, a[aRow + leftAt.places[each]], b[bRow + rightAt.places[each]]));
          }
        }
        slots[made.slot] = to;
      },
    };
  };
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

function ofFloats(value: Value): boolean {
  return (value.kind === 'rows' ? value.type : value.tensor.type) === 'FLOAT';
}

function reader(value: Value): (slots: readonly Data[]) => Float32Array {
  if (value.kind === 'rows') return (slots) => floats(slots[value.slot]);
  const { data }: Tensor = value.tensor;
  return () => floats(data);
}
