import type { AttributeView, NodeView, TensorView } from './view.ts';

function attributeOf({ attributes }: NodeView, name: string): AttributeView | undefined {
  return attributes.find((each) => each.name === name)?.attribute;
}

/** A number of an attribute; undefined where there is none of this name and kind, as with the others. */
export function numberOf(node: NodeView, name: string): number | undefined {
  const found = attributeOf(node, name);
  return found?.type === 'INT' || found?.type === 'FLOAT' ? Number(found.value) : undefined;
}

export function textOf(node: NodeView, name: string): string | undefined {
  const found = attributeOf(node, name);
  return found?.type === 'STRING' ? found.value : undefined;
}

export function textsOf(node: NodeView, name: string): readonly string[] {
  const found = attributeOf(node, name);
  return found?.type === 'STRINGS' ? found.value : [];
}

export function intsOf(node: NodeView, name: string): readonly number[] {
  const found = attributeOf(node, name);
  return found?.type === 'INTS' ? Array.from<number | bigint, number>(found.value, Number) : [];
}

export function tensorAttribute(node: NodeView, name: string): TensorView | undefined {
  const found = attributeOf(node, name);
  return found?.type === 'TENSOR' ? found.value : undefined;
}

/** Numbers that stand as floats, or (in models of newer opsets) as a tensor of either precision. */
export function realsOf(node: NodeView, name: string): readonly number[] {
  const held = tensorAttribute(node, `${name}_as_tensor`);
  if (held !== undefined) return tensorNumbers(held);
  const found = attributeOf(node, name);
  return found?.type === 'FLOATS' ? Array.from(found.value) : [];
}

export function tensorNumbers(held: TensorView): readonly number[] {
  return Array.from<unknown, number>(held.read().data, Number);
}
