import type { ModelView, SessionValue, ValueInfo } from '#onnx';

/** The inputs that callers feed, as far as they are dense tensors. */
export function publicInputs(model: ModelView): SessionValue[] {
  const constants = new Set(model.initializers.map(({ name }) => name));
  return model.inputs.flatMap(({ name, type, shape }) => (type === null || constants.has(name) ? [] : [{ name, type, shape }]));
}

/** An input as a graph declares it again. */
export function declared({ name, type, shape }: SessionValue): ValueInfo {
  return { name, type, shape: shape ?? [] };
}
