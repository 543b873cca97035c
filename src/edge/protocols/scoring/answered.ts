import type { Tensor } from '#oip';
import type { Inferred, ServedModel } from '#serving';

/** A tensor as JSON nests it. Numbers that JSON has no word for are null; integers beyond 2^53 go as text. */
export function nested({ type, data, shape }: Tensor): unknown {
  let at = 0;
  const part = (axis: number): unknown => {
    if (axis === shape.length) return type === 'BOOL' ? data[at++] !== 0 : cell(data[at++]);
    return Array.from({ length: shape[axis] }, () => part(axis + 1));
  };
  return part(0);
}

/** What a tensor says of each row. @returns `rows` values; for a tensor without a row axis the whole of it, each time */
export function perRow(tensor: Tensor, rows: number): readonly unknown[] {
  const whole = nested(tensor);
  return Array.isArray(whole) && whole.length === rows ? whole : Array.from({ length: rows }, () => whole);
}

function cell(value: number | bigint | string): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString();
  return typeof value === 'number' && !Number.isFinite(value) ? null : value;
}

/** What a model gave, by name, in its own order. */
export function namedOutputs({ loaded }: ServedModel, { outputs }: Inferred): readonly (readonly [string, Tensor])[] {
  return loaded.outputs.map(({ name }) => [name, outputs[name]] as const);
}
