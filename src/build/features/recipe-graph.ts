import { attr, encodeModel, graphBuilder, mlDomain, tensor } from '#onnx';
import type { GraphBuilder } from '#onnx';
import { castToDouble, doubleMath } from './double-math.ts';
import type { DoubleMath } from './double-math.ts';
import { parseExpression } from './expression.ts';
import { compileExpression } from './expression-graph.ts';
import type { CategoryPlan, Recipe } from './recipe.ts';

/** Features are kept within this size, so that sums over them stay finite in float32. */
const largestFeature = 1e30;

/** A graph on its way from raw columns to features. */
export interface RawGraph {
  readonly graph: GraphBuilder;
  readonly math: DoubleMath;
  /** Name of a raw column or derived feature → its value: float64 [N, 1] with NaN for missing, or string [N, 1]. */
  readonly values: ReadonlyMap<string, string>;
}

/** Declares the raw columns as inputs ([N, 1], double or string) and computes the derived features. */
export function rawGraph(recipe: Pick<Recipe, 'inputs' | 'derived'>): RawGraph {
  const graph = graphBuilder({ name: 'gyre_transform' });
  const math = doubleMath(graph);
  const values = new Map<string, string>();
  for (const { name, datatype } of recipe.inputs) values.set(name, graph.input(name, datatype === 'BYTES' ? 'STRING' : 'DOUBLE', ['N', 1]));
  for (const { name, expression } of recipe.derived) {
    values.set(name, finite(math, compileExpression(graph, math, parseExpression(expression), values)));
  }
  return { graph, math, values };
}

/** What is no finite number becomes missing (a comparison with NaN is false). */
function finite(math: DoubleMath, value: string): string {
  return math.op('Where', math.op('LessOrEqual', math.op('Abs', value), math.constant(Number.MAX_VALUE)), value, math.constant(NaN));
}

/** The raw numbers of these sources side by side: float64 [N, sources], NaN where missing. @returns the value's name */
export function appendNumbers({ graph, math, values }: RawGraph, sources: readonly string[]): string {
  const columns = sources.map((source) => values.get(source) ?? '');
  return finite(math, joined(graph, columns));
}

function joined(graph: GraphBuilder, columns: readonly string[]): string {
  return columns.length === 1 ? columns[0] : graph.op('Concat', columns, { attributes: { axis: attr.int(1) } });
}

/** The prepared numbers: imputed and scaled, float64 [N, numbers]. */
export function appendPrepared(raw: RawGraph, numbers: Recipe['numbers']): string {
  const { graph, math } = raw;
  const row = (prefix: string, values: readonly number[]): string =>
    graph.initializer(prefix, tensor('DOUBLE', [1, values.length], Float64Array.from(values)));
  const source = appendNumbers(
    raw,
    numbers.map((number) => number.source),
  );
  let value = source;
  if (numbers.some(({ fill }) => fill !== null)) {
    const fills = row('fill', numbers.map(({ fill }) => fill ?? NaN)); // prettier-ignore
    value = math.op('Where', math.isMissing(source), fills, source);
  }
  if (numbers.some(({ offset }) => offset !== 0)) value = math.op('Sub', value, row('offset', numbers.map(({ offset }) => offset))); // prettier-ignore
  if (numbers.some(({ divisor }) => divisor !== 1)) value = math.op('Div', value, row('divisor', numbers.map(({ divisor }) => divisor))); // prettier-ignore
  return value;
}

/**
 * Compiles a recipe: raw columns in, one float32 value `features` [N, F] out; everything before the last step is float64.
 * The features' order is that of `featureFacts`: numbers, missing flags, categories, principal components.
 */
export function compileRecipe(recipe: Recipe): { readonly graph: GraphBuilder; readonly features: string; readonly columns: number } {
  const raw = rawGraph(recipe);
  const { graph, math } = raw;
  const blocks: string[] = [];
  let columns = 0;
  const add = (value: string, width: number): void => {
    if (width === 0) return;
    blocks.push(value);
    columns += width;
  };
  const { numbers, categories, components } = recipe;
  if (numbers.length > 0) {
    const prepared = appendPrepared(raw, numbers);
    const taken = new Set(components?.sources);
    const kept = numbers.flatMap(({ source }, index) => (taken.has(source) ? [] : [index]));
    add(columnsAt(graph, prepared, kept, numbers.length), kept.length);
    const flagged = numbers.filter(({ flagMissing }) => flagMissing).map(({ source }) => source);
    if (flagged.length > 0) add(math.asDouble(math.isMissing(appendNumbers(raw, flagged))), flagged.length);
    for (const category of categories) add(appendCategory(raw, category), category.names.length);
    if (components !== undefined) {
      const indexes = components.sources.map((source) => numbers.findIndex((number) => number.source === source));
      add(appendComponents(graph, columnsAt(graph, prepared, indexes, numbers.length), components), components.components.length);
    }
  } else {
    for (const category of categories) add(appendCategory(raw, category), category.names.length);
  }
  const limit = (value: number): string => graph.initializer('limit', tensor('DOUBLE', [], Float64Array.of(value)));
  const limited = graph.op('Clip', [joined(graph, blocks), limit(-largestFeature), limit(largestFeature)]);
  const features = graph.op('Cast', [limited], { attributes: { to: attr.int(1) } });
  return { graph, features, columns };
}

function columnsAt(graph: GraphBuilder, value: string, indexes: readonly number[], width: number): string {
  if (indexes.length === width && indexes.every((index, at) => index === at)) return value;
  if (indexes.length === 0) return value;
  const picked = graph.initializer('pick', tensor('INT64', [indexes.length], BigInt64Array.from(indexes.map(BigInt))));
  return graph.op('Gather', [value, picked], { attributes: { axis: attr.int(1) } });
}

function appendComponents(graph: GraphBuilder, value: string, { means, components }: NonNullable<Recipe['components']>): string {
  const centred = graph.op('Sub', [value, graph.initializer('centre', tensor('DOUBLE', [1, means.length], Float64Array.from(means)))]);
  const weights = Float64Array.from(means.flatMap((_, source) => components.map((component) => component[source])));
  return graph.op('MatMul', [centred, graph.initializer('loadings', tensor('DOUBLE', [means.length, components.length], weights))]);
}

/** A category's row of its table, float64 [N, width]: value → code → row. */
function appendCategory({ graph, math, values }: RawGraph, plan: CategoryPlan): string {
  const source = values.get(plan.source) ?? '';
  const isText = graph.inputs.some((input) => input.name === plan.source && input.type === 'STRING');
  const code = isText ? textCode(graph, source, plan) : numberCode(graph, math, source, plan);
  const flat = graph.op('Reshape', [code, graph.initializer('flat', tensor('INT64', [1], BigInt64Array.of(-1n)))]);
  const width = plan.names.length;
  const cells = Float64Array.from(plan.table.flat(), (cell) => cell ?? NaN);
  return graph.op('Gather', [graph.initializer('table', tensor('DOUBLE', [plan.table.length, width], cells)), flat], {
    attributes: { axis: attr.int(0) },
  });
}

function textCode(graph: GraphBuilder, source: string, { values, codes, missingCode, unknownCode }: CategoryPlan): string {
  return graph.op('LabelEncoder', [source], {
    domain: mlDomain,
    attributes: {
      keys_strings: attr.strings([...values.map(String), '']),
      values_int64s: attr.ints([...codes, missingCode]),
      default_int64: attr.int(unknownCode),
    },
  });
}

/** One comparison per value; at most one holds, so the sum picks its code exactly. */
function numberCode(
  graph: GraphBuilder,
  math: DoubleMath,
  source: string,
  { values, codes, missingCode, unknownCode }: CategoryPlan,
): string {
  const known = graph.initializer('values', tensor('DOUBLE', [1, values.length], Float64Array.from(values, Number)));
  const steps = graph.initializer(
    'codes',
    tensor(
      'DOUBLE',
      [values.length, 1],
      Float64Array.from(codes, (code) => code - unknownCode),
    ),
  );
  const matches = graph.op('Cast', [math.op('Equal', source, known)], castToDouble);
  const code = math.op('Add', math.op('MatMul', matches, steps), math.constant(unknownCode));
  const missing = math.isMissing(finite(math, source));
  return graph.op('Cast', [math.op('Where', missing, math.constant(missingCode), code)], { attributes: { to: attr.int(7) } });
}

/** The transform's own model: one output `features`, float32 [N, F]. */
export function encodeRecipe(recipe: Recipe): Uint8Array {
  const { graph, features, columns } = compileRecipe(recipe);
  return encodeModel(graph, { outputs: [{ name: 'features', type: 'FLOAT', shape: ['N', columns], value: features }] });
}
