import { encodeRows } from '#contract';
import type { InputColumn, NamedRow } from '#contract';
import { GyreError } from '#core';
import { tensor } from '#onnx';
import type { Feeds, Tensor } from '#onnx';
import type { Frame } from '#tables';

/**
 * The tensors of a model's inputs, one of shape [rows, 1] each, from a frame or from named rows. Missing numbers are NaN, missing texts ''.
 * A frame may have other columns too; named rows only those that `ignore` names.
 * @throws GyreError INVALID_ARGUMENT when a column is missing or of another type than the model takes
 */
export function feeds(
  inputs: readonly InputColumn[],
  rows: Frame | readonly NamedRow[],
  options: { readonly ignore?: readonly string[] } = {},
): Feeds {
  return isRows(rows) ? fromRows(inputs, rows, options.ignore) : fromFrame(inputs, rows);
}

function isRows(rows: Frame | readonly NamedRow[]): rows is readonly NamedRow[] {
  return Array.isArray(rows);
}

function fromRows(inputs: readonly InputColumn[], rows: readonly NamedRow[], ignore: readonly string[] | undefined): Feeds {
  return Object.fromEntries(
    Object.entries(encodeRows(inputs, rows, { ignore })).map(([name, column]) => [
      name,
      column.datatype === 'BYTES' ? tensor('STRING', column.shape, column.data) : tensor('DOUBLE', column.shape, column.data),
    ]),
  );
}

function fromFrame(inputs: readonly InputColumn[], frame: Frame): Feeds {
  const lacking = inputs.filter(({ name }) => !frame.has(name)).map(({ name }) => name);
  if (lacking.length > 0) {
    throw new GyreError(
      'INVALID_ARGUMENT',
      `the table lacks ${lacking.map((name) => `"${name}"`).join(', ')}, which the model takes; it has ${frame.names.map((name) => `"${name}"`).join(', ')}`,
      { lacking },
    );
  }
  return Object.fromEntries(inputs.map((input) => [input.name, tensorOf(input, frame)]));
}

function tensorOf({ name, datatype, type }: InputColumn, frame: Frame): Tensor {
  const column = frame.column(name);
  if ((datatype === 'BYTES') !== (column.kind === 'text') || (type === 'instant') !== (column.kind === 'instant')) {
    throw new GyreError('INVALID_ARGUMENT', `column "${name}" is of type ${frame.typeOf(name)}; the model takes ${type} here`, {
      column: name,
      wanted: type,
    });
  }
  const shape = [frame.rows, 1];
  if (column.kind !== 'text') return tensor('DOUBLE', shape, column.values);
  const { codes, dictionary } = column;
  const texts = Array.from(codes, (code) => (code < 0 ? '' : dictionary[code]));
  return tensor('STRING', shape, texts);
}
