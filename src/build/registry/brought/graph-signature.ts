import { datatypeOfElement } from '#contract';
import type { InputColumn, Signature } from '#contract';
import { isGyreError } from '#core';
import { decodeModel } from '#onnx';
import type { ValueView } from '#onnx';

/**
 * What an ONNX graph takes and gives, as it says itself. Inputs of one double or text a row are columns, which callers can send by name.
 * @returns undefined for bytes that are no graph, or one that takes or gives no dense tensors
 */
export function signatureOfGraph(onnx: Uint8Array): Signature | undefined {
  try {
    const model = decodeModel(onnx);
    const constants = new Set(model.initializers.map(({ name }) => name));
    const taken = model.inputs.filter(({ name }) => !constants.has(name));
    const outputs = model.outputs.flatMap(specOf);
    const tensors = taken.flatMap(specOf);
    if (outputs.length === 0 || tensors.length < taken.length) return undefined;
    return { inputs: taken.flatMap(columnOf), tensors, outputs, classes: [] };
  } catch (error) {
    if (isGyreError(error)) return undefined;
    throw error;
  }
}

function specOf({ name, type, shape }: ValueView): Signature['outputs'] {
  if (type === null) return [];
  return [{ name, datatype: datatypeOfElement[type], shape: (shape ?? [-1]).map((axis) => (typeof axis === 'number' ? axis : -1)) }];
}

function columnOf({ name, type, shape }: ValueView): InputColumn[] {
  const oneValue = shape !== null && (shape.length === 1 || (shape.length === 2 && shape[1] === 1)) && typeof shape[0] === 'string';
  if (!oneValue || (type !== 'DOUBLE' && type !== 'STRING')) return [];
  return [
    type === 'STRING'
      ? { name, type: 'string', datatype: 'BYTES', required: true }
      : { name, type: 'number', datatype: 'FP64', required: true },
  ];
}
