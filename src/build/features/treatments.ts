import type { ColumnTransforms, TransformStep } from '#contract';
import { GyreError } from '#core';
import type { Frame } from '#tables';
import { checkExpression } from './expression-check.ts';
import { columnsOf, parseExpression } from './expression.ts';
import type { ValueKind } from './functions.ts';
import type { DerivedPlan } from './recipe.ts';

/** A source of features with what is to be done to it. */
export interface Treatment {
  /** A raw column or a derived feature. */
  readonly source: string;
  readonly as: 'number' | 'category';
  readonly isText: boolean;
  readonly isDerived: boolean;
  /** The raw columns behind it. */
  readonly from: readonly string[];
  readonly transforms: ColumnTransforms;
}

/** The columns and derived features of a specification, sorted out. */
export interface Treatments {
  /** Raw columns that the model takes, in the table's order. */
  readonly inputs: readonly string[];
  readonly derived: readonly DerivedPlan[];
  readonly treatments: readonly Treatment[];
}

/** Names that the outputs of a model have. */
const reserved: readonly string[] = ['features', 'label', 'probabilities', 'prediction'];
const calendarParts = ['year', 'month', 'weekday', 'hour'] as const;

/**
 * Sorts out which columns become features and how: numbers and booleans as numbers, texts as categories, instants by their calendar parts,
 * derived features as numbers; target, key and `exclude` are left out (expressions may still use excluded columns).
 * @throws GyreError INVALID_ARGUMENT for names that are no columns, expressions that mean nothing, transforms that do not fit a column's type
 */
export function settleTreatments(frame: Frame, spec: TransformStep, key?: string): Treatments {
  const { exclude = [], derive = {}, numeric = {}, categorical = {}, columns = {}, pca } = spec.transform;
  const fail = (message: string, details: Record<string, unknown> = {}): never => {
    throw new GyreError('INVALID_ARGUMENT', message, details);
  };
  const requireColumn = (name: string, where: string): void => {
    if (!frame.has(name)) fail(`${where} names "${name}", which is no column; the columns are ${quoted(frame.names)}`, { column: name });
  };
  requireColumn(spec.target, 'target');
  for (const name of exclude) requireColumn(name, 'exclude');

  const usable = frame.names.filter((name) => name !== spec.target && name !== key);
  const direct = usable.filter((name) => !exclude.includes(name));
  const kinds = new Map<string, ValueKind>(usable.map((name) => [name, frame.column(name).kind]));
  for (const name of Object.keys(derive)) {
    if (frame.has(name)) fail(`the derived feature "${name}" has the name of a column; give it one of its own`, { feature: name });
  }
  const derived = inOrder(derive, kinds);
  for (const name of direct.filter((column) => frame.column(column).kind === 'instant')) {
    for (const part of calendarParts) {
      const feature = `${part}(${name})`;
      if (!Object.hasOwn(derive, feature)) derived.push({ name: feature, expression: `${part}(\`${name}\`)` });
    }
  }
  const fromOf = rawColumns(derived);
  const featureNames = [...direct.filter((name) => frame.column(name).kind !== 'instant'), ...derived.map(({ name }) => name)];
  for (const name of Object.keys(columns)) {
    if (!featureNames.includes(name)) {
      fail(`columns names "${name}", which is no feature source; these are ${quoted(featureNames)}`, { column: name });
    }
  }
  if (featureNames.length === 0) fail('no column is left to make features of: every one is the target, the key or excluded');

  const treatments = featureNames.map((source): Treatment => {
    const isDerived = !frame.has(source);
    const isText = !isDerived && frame.column(source).kind === 'text';
    const own = columns[source] ?? {};
    const asCategory = isText || own.encode !== undefined || numeric.encode !== undefined;
    const transforms = { ...(isText || own.encode !== undefined ? categoryDefaults(isText, categorical) : numeric), ...own };
    const treatment: Treatment = {
      source,
      as: asCategory ? 'category' : 'number',
      isText,
      isDerived,
      from: isDerived ? (fromOf.get(source) ?? []) : [source],
      transforms,
    };
    checkTreatment(treatment, own, fail);
    return treatment;
  });
  if (pca !== undefined) checkComponents(pca.columns, pca.components, treatments, fail);
  const used = new Set(treatments.flatMap(({ from }) => from));
  const inputs = frame.names.filter((name) => used.has(name));
  const taken = inputs.filter((name) => reserved.includes(name));
  if (taken.length > 0)
    fail(`${quoted(taken)}: a column of this name cannot be fed to a model, whose outputs are called so; rename or exclude it`);
  return { inputs, derived, treatments };
}

/** The defaults of a number that is encoded as a category are those of categories, but for what only texts have. */
function categoryDefaults(isText: boolean, categorical: ColumnTransforms): ColumnTransforms {
  if (isText || typeof categorical.impute !== 'object') return categorical;
  const { impute: _, ...rest } = categorical;
  return rest;
}

function checkTreatment(
  treatment: Treatment,
  own: ColumnTransforms,
  fail: (message: string, details: Record<string, unknown>) => never,
): void {
  const { source, as, isText, isDerived, transforms } = treatment;
  const { impute, clip } = transforms;
  const details = { column: source };
  if (as === 'category') {
    if (impute === 'median' || impute === 'mean')
      fail(`"${source}" is a category: ${impute} does not apply; impute by missing, most_frequent or a constant`, details);
    if (own.scale !== undefined && own.scale !== 'none') fail(`"${source}" is a category: it cannot be scaled`, details);
    if (own.clip !== undefined) fail(`"${source}" is a category: it cannot be clipped`, details);
  } else if (transforms.minFrequency !== undefined && own.minFrequency !== undefined) {
    fail(`"${source}" is a number: minFrequency applies to categories (encode)`, details);
  }
  if (isDerived && own.clip !== undefined) {
    fail(`"${source}" is derived: outliers are clipped in raw columns, before features are derived from them`, details);
  }
  if (clip !== undefined && clip.lower >= clip.upper)
    fail(`"${source}": clip has lower ${clip.lower} and upper ${clip.upper}; lower must be less`, details);
  if (typeof impute !== 'object') return;
  if ((typeof impute.constant === 'string') !== isText) {
    fail(
      `"${source}" is ${isText ? 'a text' : 'a number'}: the constant ${JSON.stringify(impute.constant)} cannot stand in for its missing values`,
      details,
    );
  }
}

function checkComponents(
  sources: readonly string[],
  components: number,
  treatments: readonly Treatment[],
  fail: (message: string) => never,
): void {
  const numbers = treatments.filter(({ as }) => as === 'number').map(({ source }) => source);
  for (const source of sources)
    if (!numbers.includes(source)) fail(`pca names "${source}", which is no number feature; these are ${quoted(numbers)}`);
  if (new Set(sources).size !== sources.length) fail('pca names a column twice');
  if (components > sources.length)
    fail(`pca asks for ${components} components of ${sources.length} columns; there are at most as many as columns`);
  const open = treatments.find(({ source, transforms }) => sources.includes(source) && transforms.impute === 'none');
  if (open !== undefined) fail(`pca needs "${open.source}" imputed: impute is none`);
}

/** Derived features by name, each after those that its expression uses: the order in which they were written does not matter. */
function inOrder(derive: Readonly<Record<string, string>>, columnKinds: ReadonlyMap<string, ValueKind>): DerivedPlan[] {
  const kinds = new Map<string, ValueKind>([...columnKinds, ...Object.keys(derive).map((name): [string, ValueKind] => [name, 'number'])]);
  const ordered: DerivedPlan[] = [];
  const state = new Map<string, 'open' | 'done'>();
  const visit = (name: string, path: readonly string[]): void => {
    if (state.get(name) === 'done') return;
    if (state.get(name) === 'open') {
      throw new GyreError('INVALID_ARGUMENT', `derived features go in a circle: ${[...path, name].join(' → ')}`, { feature: name });
    }
    state.set(name, 'open');
    const expression = derive[name];
    const parsed = within(name, () => parseExpression(expression));
    const used = columnsOf(parsed);
    for (const other of used) if (Object.hasOwn(derive, other) && !columnKinds.has(other)) visit(other, [...path, name]);
    const kind = within(name, () => checkExpression(expression, parsed, kinds));
    if (kind !== 'number') {
      throw new GyreError(
        'INVALID_ARGUMENT',
        `derived feature "${name}" gives ${kind === 'text' ? 'a text' : 'an instant'}; a number is needed`,
        { feature: name },
      );
    }
    if (used.length === 0)
      throw new GyreError('INVALID_ARGUMENT', `derived feature "${name}" uses no column: it is the same for every row`, { feature: name });
    state.set(name, 'done');
    ordered.push({ name, expression });
  };
  for (const name of Object.keys(derive).sort()) visit(name, []);
  return ordered;
}

function within<T>(feature: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof GyreError)) throw error;
    throw new GyreError(error.code, `derived feature "${feature}": ${error.message}`, { ...error.details, feature }, { cause: error });
  }
}

/** For each derived feature the raw columns behind it, through other derived features too. */
function rawColumns(derived: readonly DerivedPlan[]): ReadonlyMap<string, readonly string[]> {
  const from = new Map<string, readonly string[]>();
  for (const { name, expression } of derived) {
    from.set(name, [...new Set(columnsOf(parseExpression(expression)).flatMap((column) => from.get(column) ?? [column]))]);
  }
  return from;
}

export const quoted = (names: readonly string[]): string =>
  `${names.slice(0, 20).map((name) => `"${name}"`).join(', ')}${names.length > 20 ? ` and ${names.length - 20} more` : ''}`; // prettier-ignore
