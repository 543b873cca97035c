import type { Signature } from '../feeds.ts';
import type { Feeds } from '../session-types.ts';
import type { Tensor } from '../tensor.ts';
import type { ModelView, TensorView } from '../view.ts';
import { foldConstant } from './folding.ts';
import { operatorOf } from './operators.ts';
import { emptyTensor, giveOut, takeIn } from './transfer.ts';
import { blockRows, newRows, widest, widthOf } from './values.ts';
import type { Arithmetic, Compiled, NodeSite, RowsValue, Step, Value } from './values.ts';

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
  for (const constant of model.initializers) {
    if (constant.external || constant.type === null) return undefined;
    values.set(constant.name, fixed(constant));
  }
  const steps: Step[] = [];
  for (const node of model.nodes) {
    const inputs = node.inputs.map((name) => values.get(name));
    if (node.inputs.some((name, at) => name !== '' && inputs[at] === undefined)) return undefined;
    const opset = model.opsets[node.domain] ?? 0;
    const compiled = compileNode({ node, inputs, opset, arithmetic });
    if (compiled === undefined || node.outputs.length > compiled.outputs.length) return undefined;
    if (compiled.step !== undefined) steps.push(compiled.step);
    node.outputs.forEach((name, at) => values.set(name, compiled.outputs[at]));
  }
  const shown = new Map<string, RowsValue>();
  for (const { name, type } of signature.outputs) {
    const value = values.get(name);
    if (value?.kind !== 'rows' || value.type !== type) return undefined;
    shown.set(name, value);
  }
  return runner({ inputs: fed.map((value, at) => ({ name: signature.inputs[at].name, value })), steps, shown });
}

function compileNode(site: NodeSite): Compiled | undefined {
  const operator = operatorOf(site.node.domain, site.node.opType);
  if (operator === undefined) return undefined;
  if (site.inputs.length === 0 || site.inputs.some((input) => input?.kind === 'rows')) return operator(site);
  const folded = foldConstant(site, operator);
  return folded === undefined ? operator(site) : { outputs: [folded] };
}

/**
 * The inputs, where each has its rows along the first axis and is otherwise of known size. Names of the axis that rows stand along have to
 * be one and the same: else rows of one input could be spread over those of another.
 */
function rowInputs({ inputs, optional }: Signature): readonly RowsValue[] | undefined {
  const rowsAxis = inputs[0]?.shape?.[0];
  if (rowsAxis === undefined || (rowsAxis === '' && inputs.length > 1)) return undefined;
  const values: RowsValue[] = [];
  for (const { name, type, shape } of inputs) {
    const axes = shape?.slice(1).filter((axis) => typeof axis === 'number' && axis > 0);
    if (
      axes === undefined ||
      widthOf({ axes: axes.map(Number) }) > widest ||
      optional.has(name) ||
      shape?.[0] !== rowsAxis ||
      axes.length !== shape.length - 1
    )
      return undefined;
    // Whole numbers (INT64) may be greater than those that are computed with.
    if (type !== 'FLOAT' && type !== 'DOUBLE' && type !== 'BOOL' && type !== 'STRING') return undefined;
    values.push(newRows(type, axes.map(Number)));
  }
  return values;
}

function fixed(constant: TensorView): Value {
  let tensor: Tensor | undefined;
  return {
    kind: 'fixed',
    // What is large and not read is not copied.
    get tensor() {
      return (tensor ??= constant.read());
    },
  };
}

interface Parts {
  readonly inputs: readonly { readonly name: string; readonly value: RowsValue }[];
  readonly steps: readonly Step[];
  readonly shown: ReadonlyMap<string, RowsValue>;
}

function runner({ inputs, steps, shown }: Parts): DirectGraph {
  return {
    run(feeds, outputs) {
      const [rows] = feeds[inputs[0].name].shape;
      const answered: Record<string, Tensor> = {};
      for (const name of outputs) {
        const value = shown.get(name);
        if (value !== undefined) answered[name] = emptyTensor(value, rows);
      }
      for (let start = 0; start < rows; start += blockRows) {
        const count = Math.min(blockRows, rows - start);
        for (let at = 0; at < inputs.length; at++) takeIn(inputs[at].value, feeds[inputs[at].name].data, start, count);
        for (let at = 0; at < steps.length; at++) steps[at](count, rows);
        for (const name of outputs) {
          const value = shown.get(name);
          if (value !== undefined) giveOut(value, answered[name].data, start, count);
        }
      }
      return answered;
    },
  };
}
