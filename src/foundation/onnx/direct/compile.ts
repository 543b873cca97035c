import type { Signature } from '../feeds.ts';
import type { Feeds } from '../session-types.ts';
import type { Tensor } from '../tensor.ts';
import type { ModelView, TensorView } from '../view.ts';
import { operatorOf } from './operators.ts';
import { tensorOf } from './values.ts';
import type { Arithmetic, Data, RowsValue, Step, Value } from './values.ts';

/** A graph that is computed here. */
export interface DirectGraph {
  /** @param feeds fit the signature @returns output tensors by output name, in arrays of their own */
  run(feeds: Feeds, outputs: readonly string[]): Record<string, Tensor>;
}

/**
 * Makes steps of a graph's nodes, where each is known to compute for rows that do not know of each other.
 * @returns undefined where a node, attribute, type or shape is not known
 */
export function compileGraph(model: ModelView, signature: Signature, arithmetic: Arithmetic): DirectGraph | undefined {
  if (model.functions.length > 0) return undefined;
  const fed = rowInputs(signature);
  if (fed === undefined) return undefined;
  const values = new Map<string, Value>(fed.map((value, at) => [signature.inputs[at].name, value]));
  let slotCount = fed.length;
  for (const constant of model.initializers) {
    if (constant.external || constant.type === null) return undefined;
    values.set(constant.name, fixed(constant));
  }
  const steps: Step[] = [];
  for (const node of model.nodes) {
    const inputs = node.inputs.map((name) => values.get(name));
    // A value that is not known is one that no node before has made.
    if (node.inputs.some((name, at) => name !== '' && inputs[at] === undefined)) return undefined;
    const compiled = operatorOf(
      node.domain,
      node.opType,
    )?.({
      node,
      inputs,
      opset: model.opsets[node.domain] ?? 0,
      arithmetic,
      make: (type, axes, places) => ({ kind: 'rows', type, axes, slot: slotCount++, ...(places === undefined ? {} : { places }) }),
    });
    if (compiled === undefined) return undefined;
    if (compiled.step !== undefined) steps.push(compiled.step);
    node.outputs.forEach((name, at) => values.set(name, compiled.outputs[at]));
  }
  const shown = new Map<string, RowsValue>();
  for (const { name, type } of signature.outputs) {
    const value = values.get(name);
    if (value?.kind !== 'rows' || value.type !== type) return undefined;
    shown.set(name, value);
  }
  return runner({ signature, steps, slotCount, inputCount: fed.length, shown });
}

/** The inputs, where each has its rows along the first axis and is otherwise of known size. Names of the axis that rows stand along have to be one and the same: else rows of one input could be spread over those of another. */
function rowInputs({ inputs, optional }: Signature): readonly RowsValue[] | undefined {
  const [first] = inputs;
  const rowsAxis = first?.shape?.[0];
  if (rowsAxis === undefined || (typeof rowsAxis === 'string' && rowsAxis === '' && inputs.length > 1)) return undefined;
  const values: RowsValue[] = [];
  for (const [slot, { name, type, shape }] of inputs.entries()) {
    const axes = shape?.slice(1).filter((axis): axis is number => typeof axis === 'number' && axis > 0);
    if (optional.has(name) || axes === undefined || shape?.[0] !== rowsAxis || axes.length !== shape.length - 1) return undefined;
    values.push({ kind: 'rows', type, axes, slot });
  }
  return values;
}

function fixed(constant: TensorView): Value {
  let tensor: Tensor | undefined;
  return {
    kind: 'fixed',
    // Large constants that no node reads are not copied.
    get tensor() {
      return (tensor ??= constant.read());
    },
  };
}

interface Parts {
  readonly signature: Signature;
  readonly steps: readonly Step[];
  readonly slotCount: number;
  readonly inputCount: number;
  readonly shown: ReadonlyMap<string, RowsValue>;
}

function runner({ signature, steps, slotCount, inputCount, shown }: Parts): DirectGraph {
  const { inputs } = signature;
  const empty: readonly Data[] = Array.from({ length: slotCount }, () => new Float32Array(0));
  return {
    run(feeds, outputs) {
      const slots = empty.slice();
      for (let at = 0; at < inputs.length; at++) slots[at] = feeds[inputs[at].name].data;
      const rows = feeds[inputs[0].name].shape[0];
      for (const step of steps) step(slots, rows);
      const answered: Record<string, Tensor> = {};
      const given = new Set<number>();
      for (const name of outputs) {
        const value = shown.get(name);
        if (value === undefined) continue;
        const isTaken = value.slot < inputCount || given.has(value.slot);
        given.add(value.slot);
        const data = slots[value.slot];
        answered[name] = tensorOf(value.type, [rows, ...value.axes], isTaken ? data.slice() : data);
      }
      return answered;
    },
  };
}
