import { tensorAttribute } from '../node-attributes.ts';
import { sizeOf } from '../tensor.ts';
import type { Tensor } from '../tensor.ts';
import { emptyTensor, giveOut, takeIn } from './transfer.ts';
import { newRows } from './values.ts';
import type { NodeSite, Operator, RowsValue, Value } from './values.ts';

/** Operations whose axes have no meaning of their own, so that they are the same of a constant as of a row that has the constant's axes. */
const foldable = new Set([
  'Abs', 'Add', 'And', 'Cast', 'Ceil', 'Clip', 'Div', 'Equal', 'Floor', 'Greater', 'GreaterOrEqual', 'IsNaN', 'Less', 'LessOrEqual', 'Mul', 'Neg',
  'Not', 'Or', 'Sqrt', 'Sub', 'Where',
]); // prettier-ignore

/** Larger constants are not computed ahead. */
const largest = 4096;

/** The value of a node that reads constants alone, computed as one row; undefined where that is not known. */
export function foldConstant(site: NodeSite, operator: Operator): Value | undefined {
  const tensors = site.inputs.map((input) => (input?.kind === 'fixed' ? input.tensor : undefined));
  if (!foldable.has(site.node.opType) || site.node.domain !== '' || tensors.length === 0) return undefined;
  const rank = Math.max(...tensors.map((tensor) => tensor?.shape.length ?? 0));
  const rows: RowsValue[] = [];
  for (const tensor of tensors) {
    const value = tensor && asRow(tensor, rank);
    if (value === undefined) return undefined;
    rows.push(value);
  }
  // The limits of Clip stay constants.
  const inputs = site.node.opType === 'Clip' ? [rows[0], ...site.inputs.slice(1)] : rows;
  const compiled = operator({ ...site, inputs });
  const [made] = compiled?.outputs ?? [];
  if (made?.kind !== 'rows') return undefined;
  compiled?.step?.(1, 1);
  const row = emptyTensor(made, 1);
  giveOut(made, row.data, 0, 1);
  return { kind: 'fixed', tensor: { ...row, shape: made.axes } };
}

/** A constant as the only row, with axes of 1 in front until it has as many as the others. */
function asRow({ type, shape, data }: Tensor, rank: number): RowsValue | undefined {
  if (sizeOf(shape) > largest || sizeOf(shape) === 0) return undefined;
  if (type !== 'FLOAT' && type !== 'DOUBLE' && type !== 'BOOL') return undefined;
  const value = newRows(type, [...Array.from({ length: rank - shape.length }, () => 1), ...shape]);
  takeIn(value, data, 0, 1);
  return value;
}

/** Constant: the tensor that the node itself holds. */
export const constant: Operator = ({ node }) => {
  const held = tensorAttribute(node, 'value');
  return held === undefined || held.external || held.type === null ? undefined : { outputs: [{ kind: 'fixed', tensor: held.read() }] };
};
