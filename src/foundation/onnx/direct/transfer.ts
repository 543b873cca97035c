import { GyreError } from '#core';
import type { Tensor } from '../tensor.ts';
import { widthOf } from './values.ts';
import type { RowsValue } from './values.ts';

/** The only list among the arrays of values; a session has looked at its elements. */
function isTexts(data: Tensor['data']): data is string[] {
  return Array.isArray(data);
}

/** Takes rows of what is fed into the block of an input. @param start the first row @param rows how many, at most those of a block */
export function takeIn(value: RowsValue, data: Tensor['data'], start: number, rows: number): void {
  const width = widthOf(value);
  const first = start * width;
  const count = rows * width;
  if (value.type === 'FLOAT' && data instanceof Float32Array) {
    for (let at = 0; at < count; at++) value.block[at] = data[first + at];
  } else if (value.type === 'DOUBLE' && data instanceof Float64Array) {
    for (let at = 0; at < count; at++) value.block[at] = data[first + at];
  } else if (value.type === 'STRING' && isTexts(data)) {
    for (let at = 0; at < count; at++) value.block[at] = data[first + at];
  } else if (value.type === 'BOOL' && data instanceof Uint8Array) {
    for (let at = 0; at < count; at++) value.block[at] = Number(data[first + at] !== 0);
  } else throw misfit(value);
}

/** A tensor of these rows, to be filled by `giveOut`, in an array of its own. */
export function emptyTensor({ type, axes }: RowsValue, rows: number): Tensor {
  const length = rows * widthOf({ axes });
  const shape = [rows, ...axes];
  switch (type) {
    case 'FLOAT':
      return { type, shape, data: new Float32Array(length) };
    case 'DOUBLE':
      return { type, shape, data: new Float64Array(length) };
    case 'BOOL':
      return { type, shape, data: new Uint8Array(length) };
    case 'INT64':
      return { type, shape, data: new BigInt64Array(length) };
    case 'STRING':
      return { type, shape, data: emptyTexts(length) };
  }
}

function emptyTexts(length: number): string[] {
  const texts: string[] = [];
  for (let at = 0; at < length; at++) texts.push('');
  return texts;
}

/** Copies the rows that are in the block into a tensor of `emptyTensor`. @param start the first one's place in it */
export function giveOut(value: RowsValue, data: Tensor['data'], start: number, rows: number): void {
  const width = widthOf(value);
  const first = start * width;
  const count = rows * width;
  if (value.type === 'FLOAT' && data instanceof Float32Array) {
    for (let at = 0; at < count; at++) data[first + at] = value.block[at];
  } else if (value.type === 'DOUBLE' && data instanceof Float64Array) {
    for (let at = 0; at < count; at++) data[first + at] = value.block[at];
  } else if (value.type === 'INT64' && data instanceof BigInt64Array) {
    for (let at = 0; at < count; at++) data[first + at] = BigInt(value.block[at]);
  } else if (value.type === 'BOOL' && data instanceof Uint8Array) {
    for (let at = 0; at < count; at++) data[first + at] = value.block[at];
  } else if (value.type === 'STRING' && isTexts(data)) {
    for (let at = 0; at < count; at++) data[first + at] = value.block[at];
  } else throw misfit(value);
}

function misfit({ type }: RowsValue): GyreError {
  return new GyreError('INTERNAL', `a value of a compiled graph is not ${type}, as it was compiled to be`);
}
