import { numberOf, openSession, surroundModel } from '#onnx';
import type { Feeds, NodeView, SessionValue } from '#onnx';
import type { GraphNodes } from './graph-nodes.ts';
import { declared, publicInputs } from './graph-inputs.ts';

/** Of each value of a row: the input columns that it is made from. */
export type Origins = readonly ReadonlySet<string>[];

/** Operations whose value at a place depends on what stands at that place alone. */
const elementwise = new Set([
  'Abs', 'Add', 'And', 'Binarizer', 'Cast', 'CategoryMapper', 'Ceil', 'Clip', 'Cos', 'Div', 'Dropout', 'Elu', 'Equal', 'Erf', 'Exp', 'Floor', 'Gelu',
  'Greater', 'GreaterOrEqual', 'Identity', 'Imputer', 'IsInf', 'IsNaN', 'LabelEncoder', 'LeakyRelu', 'Less', 'LessOrEqual', 'Log', 'Max', 'Mean', 'Min',
  'Mod', 'Mul', 'Neg', 'Not', 'Or', 'Pow', 'Reciprocal', 'Relu', 'Round', 'Scaler', 'Sigmoid', 'Sign', 'Sin', 'Softplus', 'Sqrt', 'Sub', 'Sum', 'Tanh',
  'Where', 'Xor',
]); // prettier-ignore
/** Operations that only write a row's values down in another shape. */
const reshaping = new Set(['Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Identity']);

/**
 * Finds which input columns each feature is made from, by following the operations of the graph between them. An operation that is not known
 * makes everything of everything: what is found is never too little.
 * @param bytes the model's; @param feeds a few equal numbers of rows, at least 2, for the sizes of values
 * @returns undefined when a value has no size by row
 */
export async function columnOrigins(bytes: Uint8Array, nodes: GraphNodes, features: string, feeds: Feeds): Promise<Origins | undefined> {
  const needed = nodesBefore(nodes, features);
  const inputs = publicInputs(nodes.model);
  const rows = Object.values(feeds)[0]?.shape[0] ?? 0;
  const shapes = await shapesOf(bytes, inputs, needed.flatMap(({ outputs }) => outputs).filter((value) => value !== ''), feeds); // prettier-ignore
  const known = new Map<string, Origins>();
  for (const { name } of inputs) {
    const width = (feeds[name]?.shape ?? []).slice(1).reduce((size, axis) => size * axis, 1);
    known.set(
      name,
      Array.from({ length: width }, (_, k) => new Set([columnName(name, k, width)])),
    );
  }
  for (const node of needed) {
    const ins = node.inputs.map((input) => (nodes.isConstant(input) ? undefined : known.get(input)));
    const all = new Set(ins.flatMap((origins) => (origins ?? []).flatMap((set) => [...set])));
    // A subgraph may read values that its node does not name.
    if (node.attributes.some(({ attribute }) => attribute.type === 'GRAPH')) for (const [, origins] of known) for (const set of origins) for (const one of set) all.add(one); // prettier-ignore
    for (const output of node.outputs) {
      const shape = shapes.get(output);
      if (output === '' || shape === undefined) continue;
      const size = shape.reduce((product, axis) => product * axis, 1);
      // What has no row axis is made of every row: it cannot be told apart by columns.
      const width = shape[0] === rows ? size / rows : size;
      const own = shape[0] === rows ? originsOf(nodes, node, ins, width) : undefined;
      known.set(output, own?.length === width ? own : Array.from({ length: width }, () => all));
    }
  }
  return known.get(features);
}

/** What a column of an input is called. @param width values of a row in the input */
export function columnName(input: string, k: number, width: number): string {
  return width === 1 ? input : `${input}[${k}]`;
}

function originsOf(nodes: GraphNodes, node: NodeView, ins: readonly (Origins | undefined)[], width: number): Origins | undefined {
  const { opType } = node;
  const [first] = ins;
  if (reshaping.has(opType)) return first;
  if (elementwise.has(opType)) {
    if (!ins.every((origins) => origins === undefined || origins.length === width || origins.length === 1)) return undefined;
    return Array.from({ length: width }, (_, k) => union(ins.map((origins) => origins?.[origins.length === 1 ? 0 : k])));
  }
  if (opType === 'Concat' || opType === 'FeatureVectorizer') {
    if (opType === 'Concat' && ![1, -1].includes(numberOf(node, 'axis') ?? 0)) return undefined;
    const sizes = node.inputs.map((input, at) => ins[at]?.length ?? nodes.constant(input)?.shape.at(-1));
    return ins.flatMap((origins, at) => origins ?? Array.from({ length: sizes[at] ?? 0 }, () => new Set<string>()));
  }
  if (opType === 'Gather' && first === undefined && (numberOf(node, 'axis') ?? 0) === 0) {
    // A table that is looked up by code: each of its columns tells of the code.
    const codes = ins[1];
    return codes === undefined || codes.length === 0 || width % codes.length !== 0
      ? undefined
      : codes.flatMap((set) => Array.from({ length: width / codes.length }, () => set));
  }
  if (opType === 'Gather' || opType === 'ArrayFeatureExtractor') {
    const isColumns = opType === 'ArrayFeatureExtractor' || [1, -1].includes(numberOf(node, 'axis') ?? 0);
    const picked = nodes.constant(node.inputs[1])?.data;
    if (!isColumns || picked === undefined || first === undefined) return undefined;
    return Array.from(picked, (at) => first.at(at) ?? new Set<string>());
  }
  if (opType === 'OneHotEncoder' && first !== undefined && first.length > 0 && width % first.length === 0)
    return first.flatMap((set) => Array.from({ length: width / first.length }, () => set));
  if (opType === 'MatMul' || opType === 'Gemm') {
    const table = nodes.constant(node.inputs[1]);
    const isPlain = opType === 'MatMul' || (numberOf(node, 'transA') ?? 0) === 0;
    if (table?.shape.length !== 2 || first === undefined || !isPlain) return undefined;
    const isTransposed = numberOf(node, 'transB') === 1;
    return Array.from({ length: width }, (_, j) =>
      union(first.map((set, k) => (table.data[isTransposed ? j * first.length + k : k * width + j] === 0 ? undefined : set))),
    );
  }
  return undefined;
}

function union(sets: readonly (ReadonlySet<string> | undefined)[]): ReadonlySet<string> {
  const present = sets.filter((set) => set !== undefined);
  if (present.length === 1) return present[0];
  return new Set(present.flatMap((set) => [...set]));
}

/** The nodes that a value is made by, in order, without those that make constants. */
function nodesBefore(nodes: GraphNodes, value: string): NodeView[] {
  const needed = new Set<NodeView>();
  const open = [value];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const node = nodes.maker(name);
    if (node === undefined || needed.has(node) || nodes.isConstant(name)) continue;
    needed.add(node);
    open.push(...node.inputs);
  }
  return nodes.model.nodes.filter((node) => needed.has(node));
}

async function shapesOf(
  bytes: Uint8Array,
  inputs: readonly SessionValue[],
  values: readonly string[],
  feeds: Feeds,
): Promise<ReadonlyMap<string, readonly number[]>> {
  if (values.length === 0) return new Map();
  const shaped = surroundModel(bytes, {
    prefix: '',
    inputs: inputs.map(declared),
    outputs: values.map((_, at) => ({ name: `explained_shape_${at}`, type: 'INT64', shape: [''] })),
    before: [],
    after: values.map((value, at) => {
      const name = `explained_shape_${at}`;
      return { name, domain: '', opType: 'Shape', inputs: [value], outputs: [name], attributes: {} };
    }),
    constants: new Map(),
    without: new Set(),
  });
  await using session = await openSession(shaped);
  const answered = await session.run(feeds);
  return new Map(values.map((value, at) => [value, Array.from<unknown, number>(answered[`explained_shape_${at}`].data, Number)]));
}
