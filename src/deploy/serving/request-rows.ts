import { GyreError } from '#core';
import type { ServedModel } from './generation.ts';
import type { Inference } from './plane-port.ts';

/** Checks each request for itself, before it may share a run with others. @returns how many rows it has; 1 for a model without a row axis */
export function requireRows({ entry, loaded }: ServedModel, { feeds, keys }: Inference, maxRows: number): number {
  let rows = 1;
  if (loaded.rowWise) {
    const [first] = loaded.inputs;
    rows = feeds[first.name]?.shape[0] ?? 0;
    for (const { name, type, shape } of loaded.inputs) {
      const tensor = feeds[name];
      if (tensor === undefined) throw new GyreError('INVALID_ARGUMENT', `the input "${name}" is missing`, { input: name });
      const fits =
        tensor.type === type && tensor.shape.length === shape?.length && shape.every((axis, at) => at === 0 || axis === tensor.shape[at]);
      if (!fits) {
        throw new GyreError(
          'INVALID_ARGUMENT',
          `the input "${name}" is ${tensor.type} [${tensor.shape.join(', ')}]; ${type} [rows, ${shape?.slice(1).join(', ')}] is wanted`,
          { input: name },
        );
      }
      if (tensor.shape[0] !== rows) {
        throw new GyreError(
          'INVALID_ARGUMENT',
          `"${first.name}" has ${rows} rows, "${name}" has ${tensor.shape[0]}: all inputs need the same number`,
          { input: name },
        );
      }
    }
    if (rows === 0)
      throw new GyreError('INVALID_ARGUMENT', `there are no rows to predict; ${entry.name} takes 1 to ${maxRows} in one request`);
    if (rows > maxRows)
      throw new GyreError('OUT_OF_RANGE', `${rows} rows are too many for one request; this endpoint takes at most ${maxRows}`, {
        rows,
        maxRows,
      });
  }
  if (keys !== undefined && keys.length !== rows) {
    throw new GyreError('INVALID_ARGUMENT', `there are ${keys.length} keys for ${rows} rows; each row needs one`, {
      rows,
      keys: keys.length,
    });
  }
  return rows;
}
