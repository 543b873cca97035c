import type { Task } from '#contract';
import { GyreError } from '#core';
import type { CategoryPlan } from './recipe.ts';
import type { Treatment } from './treatments.ts';

/** A category source on the training rows: a code into `values` per row, -1 = missing. */
export interface CodedColumn {
  readonly codes: Int32Array;
  readonly values: readonly (string | number)[];
}

/** What target encoding learns from. */
export interface EncodingTargets {
  readonly task: Task;
  readonly classes: readonly string[];
  /** Class index or number per training row. */
  readonly targets: Float64Array;
  readonly weights: Float64Array;
}

const mostOneHot = 100;
const manyOneHot = 50;
/** A category's mean counts as if so many more rows had the overall mean. */
const smoothing = 10;

/**
 * Fits the encoding of one category. Values are in sorted order; those seen less often than `minFrequency` share the code `(other)`;
 * a missing value has a code of its own where training saw one (`missing`), else the code of what stands in for it.
 * A value that training never saw is all zeros (one_hot), -1 (ordinal), or the overall mean of the target (target).
 * @throws GyreError INVALID_ARGUMENT when the column has too many values for its encoding, or names rows rather than describing them
 */
export function fitCategory(treatment: Treatment, column: CodedColumn, target: EncodingTargets, warnings: string[]): CategoryPlan {
  const { source, transforms } = treatment;
  const encode = transforms.encode ?? 'one_hot';
  const groups = groupValues(treatment, column);
  checkCardinality(source, encode, groups.distinct, groups.kept.length, column.codes.length, warnings);
  const { kept, hasOther, missing } = groups;
  const labels = [...kept.map(String), ...(hasOther ? ['(other)'] : []), ...(missing === 'own' ? ['(missing)'] : [])];
  const unknownCode = labels.length;
  const missingCode = missing === 'own' ? labels.length - 1 : missing === 'unknown' ? unknownCode : missing;
  const base = { source, encode, values: groups.values, codes: groups.codes, missingCode, unknownCode };
  switch (encode) {
    case 'one_hot':
      return {
        ...base,
        table: [...labels, ''].map((_, row) => labels.map((__, at) => (at === row ? 1 : 0))),
        names: labels.map((label) => `${source}=${label}`),
        how: labels.map((label) => `one-hot: 1 where ${source} is ${label}`),
      };
    case 'ordinal': {
      const unimputed = transforms.impute === 'none';
      // With `none`, a missing value stays missing: its row of the table is one more, after the unknown one.
      return {
        ...base,
        missingCode: unimputed ? unknownCode + 1 : missingCode,
        table: [...labels.map((_, row) => [row]), [-1], ...(unimputed ? [[null]] : [])],
        names: [source],
        how: [`ordinal: position in ${labels.map((label) => `"${label}"`).join(', ')}; -1 unknown`],
      };
    }
    case 'target': {
      const table = encodingTable(base, column, target, () => true);
      const outputs = target.task === 'multiclass' ? target.classes : [''];
      return {
        ...base,
        table,
        names: outputs.map((one) => (one === '' ? `target_mean(${source})` : `target_mean(${source}, ${one})`)),
        how: outputs.map(
          (one) => `smoothed mean of the target${one === '' ? '' : ` class ${one}`} by ${source}; training rows from the other folds`,
        ),
      };
    }
  }
}

interface Groups {
  readonly distinct: number;
  readonly kept: readonly (string | number)[];
  readonly hasOther: boolean;
  readonly values: readonly (string | number)[];
  readonly codes: readonly number[];
  /** Code of a missing value: one of its own, that of an unknown value, or another value's. */
  readonly missing: 'own' | 'unknown' | number;
}

function groupValues({ source, transforms, isText }: Treatment, { codes, values }: CodedColumn): Groups {
  const counts = new Float64Array(values.length);
  let missingRows = 0;
  for (const code of codes) {
    if (code < 0) missingRows++;
    else counts[code]++;
  }
  const seen = values
    .map((value, code) => ({ value, count: counts[code] }))
    .filter(({ count }) => count > 0)
    .sort((left, right) => (left.value < right.value ? -1 : 1));
  if (seen.length === 0)
    throw new GyreError('INVALID_ARGUMENT', `"${source}" is missing in every training row: exclude it`, { column: source });
  const impute = transforms.impute ?? 'missing';
  const constant = typeof impute === 'object' ? (isText ? String(impute.constant) : Number(impute.constant)) : undefined;
  const least = transforms.minFrequency ?? 1;
  const kept = seen.filter(({ count }) => count >= least).map(({ value }) => value);
  if (constant !== undefined && !kept.includes(constant)) kept.push(constant);
  const rare = seen.filter(({ value }) => !kept.includes(value)).map(({ value }) => value);
  const codeOf = (value: string | number): number => (kept.includes(value) ? kept.indexOf(value) : kept.length);
  const commonest = seen.reduce((best, next) => (next.count > best.count ? next : best)).value;
  const missing =
    constant !== undefined ? codeOf(constant)
    : impute === 'most_frequent' ? codeOf(commonest)
    : impute === 'missing' && missingRows > 0 ? 'own'
    : 'unknown'; // prettier-ignore
  const known = [...kept, ...rare];
  return { distinct: seen.length, kept, hasOther: rare.length > 0, values: known, codes: known.map(codeOf), missing };
}

function checkCardinality(source: string, encode: string, distinct: number, kept: number, rows: number, warnings: string[]): void {
  const advice = `exclude it, set columns.${source}.encode to target or ordinal, or merge rare values with minFrequency`;
  if (distinct > 20 && distinct > rows / 2) {
    throw new GyreError(
      'INVALID_ARGUMENT',
      `"${source}" has ${distinct} different values in ${rows} training rows: it names rows rather than describing them; exclude it`,
      { column: source, distinct, rows },
    );
  }
  if (encode !== 'one_hot') return;
  if (kept > mostOneHot) {
    throw new GyreError('INVALID_ARGUMENT', `"${source}" has ${kept} categories, too many for one-hot (${mostOneHot}): ${advice}`, {
      column: source,
      categories: kept,
    });
  }
  if (kept > manyOneHot) warnings.push(`"${source}" has ${kept} categories, each one a feature: ${advice}`);
}

/**
 * Means of the target by code, drawn towards the overall mean: (sum + s * overall) / (weight + s) with s = 10 rows of mean weight
 * (m-estimate; Micci-Barreca 2001). The last row, of unknown values, is the overall mean.
 * @param uses which training rows count
 */
export function encodingTable(
  plan: Pick<CategoryPlan, 'values' | 'codes' | 'missingCode' | 'unknownCode'>,
  { codes, values }: CodedColumn,
  { task, classes, targets, weights }: EncodingTargets,
  uses: (row: number) => boolean,
): CategoryPlan['table'] {
  const outputs = task === 'multiclass' ? classes.length : 1;
  const planned = new Map(plan.values.map((value, at) => [value, plan.codes[at]]));
  const planCode = values.map((value) => planned.get(value) ?? plan.unknownCode);
  const sums = Array.from({ length: plan.unknownCode + 1 }, () => new Float64Array(outputs));
  const mass = new Float64Array(plan.unknownCode + 1);
  const totals = new Float64Array(outputs);
  let total = 0;
  let rows = 0;
  for (let row = 0; row < codes.length; row++) {
    if (!uses(row)) continue;
    const code = codes[row] < 0 ? plan.missingCode : planCode[codes[row]];
    const weight = weights[row];
    rows++;
    total += weight;
    mass[code] += weight;
    for (let output = 0; output < outputs; output++) {
      const value = task === 'multiclass' ? Number(targets[row] === output) : targets[row];
      sums[code][output] += weight * value;
      totals[output] += weight * value;
    }
  }
  const prior = totals.map((sum) => (total > 0 ? sum / total : 0));
  const pull = rows > 0 ? (smoothing * total) / rows : smoothing;
  return sums.map((line, code) =>
    Array.from(line, (sum, output) => (code === plan.unknownCode ? prior[output] : (sum + pull * prior[output]) / (mass[code] + pull))),
  );
}
