import type { ExplainAnswer, RowExplanation } from '#contract';
import { GyreError } from '#core';
import { treeContributions } from '#learners';
import type { Model, SplitTree } from '#learners';
import { decodeModel, openSession, surroundModel } from '#onnx';
import type { Session, SessionValue, Tensor } from '#onnx';
import { columnOrigins } from './column-origins.ts';
import { withCovers } from './covers.ts';
import { graphNodes } from './graph-nodes.ts';
import { declared, publicInputs } from './graph-inputs.ts';
import { learnerNode } from './learner-node.ts';
import type { LearnerNode } from './learner-node.ts';
import type { LinearNode } from './linear-node.ts';
import { classAt, rowsOf } from './request.ts';
import type { Background, ExplainJob, ModelParts, Patience } from './request.ts';
import { columnsOf, padded, shown, takeRows, valueAt } from './table-rows.ts';
import type { TreeEnsemble } from './tree-ensemble.ts';

/** Contributions that are computed from a model's own coefficients or trees. */
export interface ExactExplainer extends AsyncDisposable {
  explain(job: ExplainJob, patience: Patience): Promise<ExplainAnswerParts>;
}

/** An answer but for the model that it is of. */
export type ExplainAnswerParts = Omit<ExplainAnswer, 'model' | 'version'>;

/** What a row's raw outputs are made of. */
interface Maths {
  readonly outputs: number;
  /** One for each output. */
  readonly base: readonly number[];
  /** @returns [rows][outputs][columns], flat */
  readonly of: (values: Float64Array, rows: number, columns: number) => Float64Array;
}

/** Features that are made from the same columns: their contributions are one. */
interface Group {
  readonly name: string;
  readonly features: readonly number[];
}

const featuresOutput = 'explained_features';
const rawOutput = 'explained_margins';
/** ONNX's number of float64. */
const double = 11;
/** The runtime adds in float32: thousands of trees are off by some ten-thousandths. More means that the graph was not understood. */
const tolerated = 1e-3;
/** Rows between two looks at the time. */
const rowsAtOnce = 16;

/**
 * Opens a model for exact contributions.
 * @returns why there are none, for a graph that is no linear model or sum of trees behind columns
 * @throws GyreError what `openSession` throws
 */
export async function openExact({ graph, learner, signature }: ModelParts, first: ExplainJob): Promise<ExactExplainer | string> {
  const nodes = graphNodes(decodeModel(graph));
  const found = learnerNode(nodes);
  if (found === undefined) return 'the graph is no single linear model or sum of trees with a link behind it';
  const inputs = publicInputs(nodes.model);
  if (inputs.some(({ shape }) => shape === null)) return 'the graph does not say the shapes of its inputs';
  const columns = columnsOf(inputs, first.feeds);
  if (columns === undefined) return 'the graph takes no rows of columns';
  const origins = await columnOrigins(graph, nodes, found.features, padded(takeRows(first.feeds, [0]), 1, 3));
  if (origins === undefined) return 'the features of the graph cannot be followed to its columns';
  const ours = learner === undefined ? undefined : modelOf(learner);
  const mixesAll = origins.some((set) => set.size === columns.length && columns.length > 1);
  // Behind layers that mix columns a last linear layer says nothing of them one by one.
  const mixesSome = ours === undefined && found.kind === 'linear' && found.again.length === 0 && origins.some((set) => set.size > 1);
  if (mixesAll || mixesSome) return 'the features that the learner reads are each made of several columns';
  const session = await openSession(
    surroundModel(graph, {
      prefix: '',
      inputs: inputs.map(declared),
      outputs: [
        { name: featuresOutput, type: 'DOUBLE', shape: ['', ''] },
        { name: rawOutput, type: 'DOUBLE', shape: ['', ''] },
      ],
      before: [],
      after: [...found.again, cast(found.features, featuresOutput), cast(found.raw, rawOutput)],
      constants: new Map(),
      // The outputs of the graph that no session could give (a ZipMap's) are not asked for.
      without: new Set(nodes.model.nodes.filter(({ opType }) => opType === 'ZipMap').flatMap(({ outputs }) => outputs)),
    }),
  );
  return new Exact(session, inputs, found, groupsOf(origins), ours, signature.classes);
}

function cast(value: string, output: string) {
  return { name: output, domain: '', opType: 'Cast', inputs: [value], outputs: [output], attributes: { to: { type: 'INT', value: double } } } as const; // prettier-ignore
}

/** @throws GyreError DATA_LOSS when it is no learner of ours */
function modelOf(text: string): Model {
  const parsed: unknown = JSON.parse(text);
  if (isLearnerFile(parsed)) return parsed.model;
  throw new GyreError('DATA_LOSS', 'learner.json of the package is no learner of a form that this Gyre reads');
}

function isLearnerFile(value: unknown): value is { readonly model: Model } {
  return typeof value === 'object' && value !== null && 'format' in value && value.format === 'gyre.learner.v1' && 'model' in value;
}

function groupsOf(origins: readonly ReadonlySet<string>[]): Group[] {
  const groups = new Map<string, number[]>();
  origins.forEach((set, feature) => groups.getOrInsertComputed([...set].join(', '), () => []).push(feature));
  return [...groups].map(([name, features]) => ({ name, features }));
}

class Exact implements ExactExplainer {
  readonly #session: Session;
  readonly #inputs: readonly SessionValue[];
  readonly #learner: LearnerNode;
  readonly #groups: readonly Group[];
  readonly #ours: Model | undefined;
  readonly #classes: readonly string[];
  /** The mathematics behind the last background: most requests come with the same. */
  #last: { readonly background: Background; readonly maths: Maths } | undefined;

  constructor(
    session: Session,
    inputs: readonly SessionValue[],
    learner: LearnerNode,
    groups: readonly Group[],
    ours: Model | undefined,
    classes: readonly string[],
  ) {
    this.#session = session;
    this.#inputs = inputs;
    this.#learner = learner;
    this.#groups = groups;
    this.#ours = ours;
    this.#classes = classes.length > 0 ? classes : (learner.classes ?? []);
  }

  async explain({ feeds, options, background }: ExplainJob, patience: Patience): Promise<ExplainAnswerParts> {
    const rows = rowsOf(feeds);
    const answered = await this.#session.run(feeds);
    const features = realsOf(answered[featuresOutput]);
    const raw = realsOf(answered[rawOutput]);
    const columns = features.length / rows;
    const maths = await this.#maths(background, columns);
    const { isDifference, outputs } = this.#outputs(maths.outputs);
    const width = raw.length / rows;
    const explanations: RowExplanation[] = [];
    for (let from = 0; from < rows; from += rowsAtOnce) {
      patience();
      const count = Math.min(rowsAtOnce, rows - from);
      const parts = maths.of(features.subarray(from * columns, (from + count) * columns), count, columns);
      for (let k = 0; k < count; k++) {
        const row = from + k;
        const own = raw.subarray(row * width, (row + 1) * width);
        // A node with one margin for two classes gives a column for each: the second is the margin.
        const margins = isDifference ? [own[1] - own[0]] : maths.outputs === 1 ? [own[width - 1]] : [...own];
        const output = chooseOutput(this.#classes, options.class, margins);
        const at = (o: number, c: number): number => parts[(k * maths.outputs + o) * columns + c];
        const part = (c: number): number => (isDifference ? at(1, c) - at(0, c) : at(output, c));
        const base = isDifference ? maths.base[1] - maths.base[0] : maths.base[output];
        explanations.push(this.#row(base, margins[output], part, outputs === 1 ? this.#classes[1] : this.#classes[output], { feeds, row }));
      }
    }
    return {
      method: this.#learner.kind === 'trees' ? 'tree_shap' : 'linear',
      scale: isDifference ? 'log_odds' : this.#learner.scale,
      background: this.#ours === undefined ? { kind: background.kind, rows: background.weights.length } : { kind: 'training', rows: 0 },
      explanations,
    };
  }

  /** A softmax over two linear margins depends on their difference alone, which is the log-odds of the second class. */
  #outputs(outputs: number): { readonly isDifference: boolean; readonly outputs: number } {
    const isDifference = this.#learner.kind === 'linear' && outputs === 2 && this.#learner.scale === 'log_probability';
    return { isDifference, outputs: isDifference ? 1 : outputs };
  }

  #row(
    base: number,
    margin: number,
    part: (feature: number) => number,
    about: string | undefined,
    { feeds, row }: { readonly feeds: ExplainJob['feeds']; readonly row: number },
  ): RowExplanation {
    let start = base;
    let sum = base;
    const contributions: RowExplanation['contributions'] = [];
    for (const { name, features } of this.#groups) {
      const contribution = features.reduce((total, feature) => total + part(feature), 0);
      sum += contribution;
      // What no column moves is where every row starts from.
      if (name === '') start += contribution;
      else contributions.push({ feature: name, value: this.#valueOf(name, feeds, row), contribution });
    }
    const residual = margin - sum;
    if (!(Math.abs(residual) <= tolerated * Math.max(1, Math.abs(margin)))) {
      throw new GyreError(
        'FAILED_PRECONDITION',
        `the contributions of row ${row} sum to ${sum}, the model gives ${margin}: its graph is not what it was read as; ask for the method kernel_shap`,
        { row, sum, margin },
      );
    }
    contributions.sort((left, right) => Math.abs(right.contribution) - Math.abs(left.contribution));
    return { ...(about === undefined ? {} : { class: about }), base: start, margin, contributions, residual };
  }

  #valueOf(name: string, feeds: ExplainJob['feeds'], row: number): number | string | null {
    const column = columnsOf(this.#inputs, feeds)?.find((each) => each.name === name);
    return column === undefined ? null : shown(valueAt(feeds, column, row));
  }

  async #maths(background: Background, columns: number): Promise<Maths> {
    if (this.#last?.background === background) return this.#last.maths;
    const maths = this.#ours === undefined ? await this.#foreign(background, columns) : ofOurs(this.#ours);
    this.#last = { background, maths };
    return maths;
  }

  async #foreign(background: Background, columns: number): Promise<Maths> {
    const read = this.#learner.read();
    if (read === undefined)
      throw new GyreError('FAILED_PRECONDITION', 'the learner of the graph cannot be read; ask for the method kernel_shap');
    const answered = await this.#session.run(background.feeds, { outputs: [featuresOutput] });
    const values = realsOf(answered[featuresOutput]);
    if ('coefficients' in read) return ofLinear(read, means(values, columns, background.weights));
    const { base, outputs } = read;
    return ofTrees(withCovers(read.trees, values, columns, background.weights), outputs, base);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session[Symbol.asyncDispose]();
  }
}

function ofOurs(model: Model): Maths {
  const outputs = model.task === 'multiclass' ? model.classes : 1;
  return model.kind === 'gbdt' ? ofTrees(model.trees, outputs, model.baseMargins) : ofLinear(model, model.featureMeans);
}

function ofTrees(trees: readonly SplitTree[], outputs: number, base: TreeEnsemble['base']): Maths {
  const explained = treeContributions(trees, outputs);
  return { outputs, base: base.map((margin, k) => margin + explained.expected[k]), of: explained.of };
}

function ofLinear({ coefficients, intercepts }: Pick<LinearNode, 'coefficients' | 'intercepts'>, center: readonly number[]): Maths {
  const outputs = coefficients.length;
  return {
    outputs,
    base: intercepts.map((intercept, k) => coefficients[k].reduce((sum, coefficient, c) => sum + coefficient * center[c], intercept)),
    of(values, rows, columns) {
      const parts = new Float64Array(rows * outputs * columns);
      for (let i = 0; i < rows; i++)
        for (let k = 0; k < outputs; k++)
          for (let c = 0; c < columns; c++)
            parts[(i * outputs + k) * columns + c] = coefficients[k][c] * (values[i * columns + c] - center[c]);
      return parts;
    },
  };
}

function means(values: Float64Array, columns: number, weights: readonly number[]): number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return Array.from(
    { length: columns },
    (_, c) => weights.reduce((sum, weight, row) => sum + weight * values[row * columns + c], 0) / total,
  );
}

function chooseOutput(classes: readonly string[], asked: string | undefined, margins: readonly number[]): number {
  const best = margins.reduce((found, margin, k) => (margin > margins[found] ? k : found), 0);
  if (asked === undefined) return best;
  const [only] = margins.length === 1 ? [classes[1]] : [];
  if (margins.length > 1) return classAt(classes.length > 0 ? classes : margins.map((_, k) => String(k)), asked);
  if (asked === only) return 0;
  throw new GyreError(
    'INVALID_ARGUMENT',
    `the margin of this model speaks of ${only === undefined ? 'a number' : `"${only}"`}, not of "${asked.slice(0, 100)}"`,
    { class: asked },
  );
}

function realsOf(tensor: Tensor | undefined): Float64Array {
  if (tensor?.type === 'DOUBLE') return tensor.data;
  throw new GyreError('INTERNAL', 'the graph for explanations gives no real numbers');
}
