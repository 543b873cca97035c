import type { InputColumn, TransformStep } from '#contract';
import { GyreError, canonicalJson, sha256 } from '#core';
import { fitPca } from '#learners';
import { encodeModel } from '#onnx';
import { isMissing } from '#tables';
import type { Frame } from '#tables';
import { encodingTable, fitCategory } from './fit-categories.ts';
import type { CodedColumn, EncodingTargets } from './fit-categories.ts';
import { fitNumber } from './fit-numbers.ts';
import { featureFacts } from './feature-facts.ts';
import type { WeightedVersion } from './port.ts';
import { appendNumbers, appendPrepared, encodeRecipe, rawGraph } from './recipe-graph.ts';
import type {
  CategoryPlan,
  ComponentsPlan,
  DerivedPlan,
  Description,
  FittedTransform,
  NumberPlan,
  Recipe,
  TrainingOnly,
} from './recipe.ts';
import { runOnce } from './run-graph.ts';
import { settleTarget, targetsOf } from './target.ts';
import { clipBounds, clipRows, foldsOf } from './training-rows.ts';
import { settleTreatments } from './treatments.ts';
import type { Treatment } from './treatments.ts';

export interface FitInputs {
  readonly key?: string;
  /** What the description names as its training data. */
  readonly train: readonly WeightedVersion[];
  /** One per row; they count in target encodings. */
  readonly weights: Float64Array;
}

/**
 * Fits a transform on training rows. The same rows and specification give the same description and the same bytes.
 * Values of derived features, which statistics are taken of, come from running the graph itself: there is no second way to compute them.
 * @throws GyreError INVALID_ARGUMENT for a specification that does not fit the rows
 */
export async function fitTransform(frame: Frame, spec: TransformStep, { key, train, weights }: FitInputs): Promise<FittedTransform> {
  if (frame.rows === 0) throw new GyreError('INVALID_ARGUMENT', 'there are no training rows to fit a transform on');
  const target = settleTarget(frame, spec);
  const { inputs: names, derived, treatments } = settleTreatments(frame, spec, key);
  const warnings: string[] = [];
  const inputs = names.map((name) => inputColumn(frame, name, treatments));
  const clip = clipBounds(frame, treatments);
  const rows = clipRows(frame, clip);
  const valuesOf = await numberValues({ inputs, derived }, rows, treatments);

  const numbers = treatments.filter(({ as }) => as === 'number').map((one) => fitNumber(one, valuesOf(one.source), warnings));
  const encoding: EncodingTargets = { ...target, targets: targetsOf(frame, target), weights };
  const coded = treatments
    .filter(({ as }) => as === 'category')
    .map((one) => ({ treatment: one, column: one.isText ? textCodes(rows, one.source) : numberCodes(valuesOf(one.source)) }));
  const categories = coded.map(({ treatment, column }) => fitCategory(treatment, column, encoding, warnings));
  const components = await fitComponents({ inputs, derived }, rows, numbers, spec);
  const recipe = asStored({ inputs, derived, numbers, categories, ...(components === undefined ? {} : { components }) });

  const graph = encodeRecipe(recipe);
  const features = featureFacts(recipe, treatments);
  requireUnique(features.map(({ name }) => name));
  const columns = coded.map(({ column }) => column);
  const description: Description = {
    format: 'gyre.transform.v1',
    spec,
    ...(key === undefined ? {} : { key }),
    train,
    rows: frame.rows,
    ...target,
    features,
    recipe,
    trainingOnly: { clip, folds: foldTables(categories, columns, encoding) },
    warnings,
    graph: sha256(graph),
  };
  return { description, graph };
}

/** The recipe as it is read back from its description, so that the graph made now and the one made then agree in every bit (-0 is 0 in JSON). */
function asStored(recipe: Recipe): Recipe {
  return JSON.parse(canonicalJson(recipe)) as Recipe; // a brand cast: what was a recipe is one again
}

/** The values of all number sources on the rows, from the graph: NaN where missing or not finite. */
async function numberValues(
  raw: Pick<Recipe, 'inputs' | 'derived'>,
  frame: Frame,
  treatments: readonly Treatment[],
): Promise<(source: string) => Float64Array> {
  const sources = treatments.filter(({ isText }) => !isText).map(({ source }) => source);
  if (sources.length === 0) return () => new Float64Array();
  const builder = rawGraph(raw);
  const value = appendNumbers(builder, sources);
  const bytes = encodeModel(builder.graph, { outputs: [{ name: 'numbers', type: 'DOUBLE', shape: ['N', sources.length], value }] });
  const table = await runOnce(bytes, raw.inputs, frame, 'numbers');
  return (source) => {
    const at = sources.indexOf(source);
    return Float64Array.from({ length: frame.rows }, (_, row) => table[row * sources.length + at]);
  };
}

async function fitComponents(
  raw: { readonly inputs: readonly InputColumn[]; readonly derived: readonly DerivedPlan[] },
  frame: Frame,
  numbers: readonly NumberPlan[],
  { transform: { pca } }: TransformStep,
): Promise<ComponentsPlan | undefined> {
  if (pca === undefined) return undefined;
  const plans = pca.columns.flatMap((source) => numbers.filter((number) => number.source === source));
  const builder = rawGraph(raw);
  const value = appendPrepared(builder, plans);
  const bytes = encodeModel(builder.graph, { outputs: [{ name: 'prepared', type: 'DOUBLE', shape: ['N', plans.length], value }] });
  const values = Float32Array.from(await runOnce(bytes, raw.inputs, frame, 'prepared'));
  const { means, components, explainedVarianceRatio } = fitPca({ rows: frame.rows, columns: plans.length, values }, pca.components);
  return { sources: pca.columns, means, components, explained: explainedVarianceRatio };
}

function textCodes(frame: Frame, source: string): CodedColumn {
  const { codes, dictionary } = frame.texts(source);
  const empty = dictionary.indexOf('');
  // An empty text is a missing one in a tensor of strings, so it is one here too.
  return { codes: empty < 0 ? codes : codes.map((code) => (code === empty ? -1 : code)), values: dictionary };
}

function numberCodes(numbers: Float64Array): CodedColumn {
  const values: number[] = [];
  const codeOf = new Map<number, number>();
  const codes = Int32Array.from(numbers, (value) => {
    if (Number.isNaN(value)) return -1;
    const known = codeOf.get(value);
    if (known !== undefined) return known;
    const code = values.push(value) - 1;
    codeOf.set(value, code);
    return code;
  });
  return { codes, values };
}

/** For each fold the target encodings that its rows are trained with: those of all rows outside of it. */
function foldTables(
  categories: readonly CategoryPlan[],
  columns: readonly CodedColumn[],
  encoding: EncodingTargets,
): TrainingOnly['folds'] {
  const encoded = categories.flatMap((plan, at) => (plan.encode === 'target' ? [{ plan, column: columns[at] }] : []));
  if (encoded.length === 0) return [];
  const { count, foldOf } = foldsOf(encoding.targets.length);
  return Array.from({ length: count }, (_, fold) =>
    encoded.map(({ plan, column }) => encodingTable(plan, column, encoding, (row) => foldOf[row] !== fold)),
  );
}

function inputColumn(frame: Frame, name: string, treatments: readonly Treatment[]): InputColumn {
  const column = frame.column(name);
  let missing = false;
  for (let row = 0; row < frame.rows && !missing; row++) missing = isMissing(column, row);
  const imputed = treatments.some(({ from, transforms }) => from.includes(name) && transforms.impute !== 'none');
  const facts = { name, type: frame.typeOf(name), required: !missing && !imputed };
  if (column.kind === 'text') {
    const used = new Set(column.codes);
    const categories = column.dictionary.filter((text, code) => text !== '' && used.has(code)).sort();
    return { ...facts, datatype: 'BYTES', categories };
  }
  let low = Infinity;
  let high = -Infinity;
  for (const value of column.values) {
    if (!Number.isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return { ...facts, datatype: 'FP64', ...(low <= high ? { range: [low, high] } : {}) };
}

function requireUnique(names: readonly string[]): void {
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined)
    throw new GyreError('INVALID_ARGUMENT', `two features would be called "${twice}": rename a column or derived feature`, {
      feature: twice,
    });
}
