import { seedOf, seeded } from '#core';
import type { TestReport } from '#contract';
import { computeMetrics } from '#stats';
import type { MetricName } from '#stats';
import { createFrame, selectColumns, takeColumn, takeRows } from '#tables';
import type { Frame } from '#tables';
import { improvement, takeScored, withoutSkill } from './scored.ts';
import type { ScoredRows } from './scored.ts';
import type { ScoringModel } from './scoring-model.ts';
import { count, percent } from './words.ts';

/** More rows would not change the order of columns, only the time it takes. */
const mostRows = 5000;
/** A column whose shuffling takes away this share of the model's advantage over one without skill deserves a look. */
const dominatingShare = 0.75;

export interface ImportanceOptions {
  readonly metric: MetricName;
  readonly threshold: number;
  readonly seed: number;
  /** Shuffles per column. */
  readonly repeats: number;
}

export interface Importances {
  /** The most important column first. */
  readonly importance: TestReport['importance'];
  readonly warnings: readonly string[];
}

/**
 * Permutation importance over the raw columns that a model takes (Breiman 2001; Fisher, Rudin and Dominici 2019): how much the metric gets
 * worse, on average over the repeats (with their standard deviation), when one column's values are shuffled among the rows.
 */
export async function permutationImportance(model: ScoringModel, scored: ScoredRows, options: ImportanceOptions): Promise<Importances> {
  const { metric, threshold, seed, repeats } = options;
  // Another row's picture in place of its own says nothing of what in a picture counts.
  const columns = model.inputs.filter(({ image }) => image === undefined);
  if (repeats === 0 || columns.length === 0) return { importance: [], warnings: [] };
  const { frame, sample, warnings } = sampled(scored, seed);
  const { task, truth } = sample;
  const valueOf = (scores: Float64Array): number => computeMetrics(task, truth, scores, threshold, [metric])[metric] ?? Number.NaN;
  const whole = valueOf(sample.scores);
  if (!Number.isFinite(whole))
    return { importance: [], warnings: [`importance could not be measured: ${metric} is not defined on these rows`] };
  const inputs = selectColumns(
    frame,
    columns.map(({ name }) => name),
  );
  const importance: { feature: string; drop: number; std: number }[] = [];
  for (const { name } of columns) {
    const drops: number[] = [];
    for (let repeat = 0; repeat < repeats; repeat++) {
      const scores = await model.predict(shuffled(inputs, [name], seedOf(seed, 'importance', name, repeat)));
      drops.push(improvement(metric, whole, valueOf(scores)));
    }
    importance.push({ feature: name, ...spread(drops) });
  }
  importance.sort((left, right) => right.drop - left.drop || (left.feature < right.feature ? -1 : 1));
  const learned = improvement(metric, whole, withoutSkill(metric, sample, threshold));
  const [first] = importance;
  if (first === undefined || !(learned > 0) || first.drop / learned < dominatingShare) return { importance, warnings };
  // Shuffled values next to others that never occur with them can mislead a model in ways that say nothing of a leak; what the column can do
  // alone tells the two apart.
  const alone: number[] = [];
  for (let repeat = 0; repeat < repeats; repeat++) {
    const others = inputs.names.filter((name) => name !== first.feature);
    const scores = await model.predict(shuffled(inputs, others, seedOf(seed, 'alone', first.feature, repeat)));
    alone.push(learned - improvement(metric, whole, valueOf(scores)));
  }
  const kept = spread(alone).drop / learned;
  const dominating =
    kept < dominatingShare ? [] : [dominatingText(first.feature, metric, Math.min(1, first.drop / learned), Math.min(1, kept))];
  return { importance, warnings: [...warnings, ...dominating] };
}

function sampled(scored: ScoredRows, seed: number): { frame: Frame; sample: ReturnType<typeof takeScored>; warnings: string[] } {
  const rows = scored.truth.length;
  if (rows <= mostRows) return { frame: scored.frame, sample: scored, warnings: [] };
  const positions = Int32Array.from({ length: rows }, (_, row) => row);
  seeded(seedOf(seed, 'importance rows')).shuffle(positions);
  const taken = positions.slice(0, mostRows).sort();
  const warning = `importance was measured on ${count(mostRows)} of the ${count(rows)} rows, drawn by seed`;
  return { frame: takeRows(scored.frame, taken), sample: takeScored(scored, [...taken]), warnings: [warning] };
}

/** The rows with the values of some columns, kept together, handed to other rows. */
function shuffled(frame: Frame, columns: readonly string[], seed: number): Frame {
  const positions = Int32Array.from({ length: frame.rows }, (_, row) => row);
  seeded(seed).shuffle(positions);
  return createFrame(
    frame.schema.map(({ name, type }) => {
      const values = frame.column(name);
      return { name, type, column: columns.includes(name) ? takeColumn(values, positions) : values };
    }),
    frame.rows,
  );
}

/** Mean and standard deviation over the repeats (population, as scikit-learn's `importances_std`). */
function spread(drops: readonly number[]): { drop: number; std: number } {
  const drop = drops.reduce((sum, value) => sum + value, 0) / drops.length;
  const variance = drops.reduce((sum, value) => sum + (value - drop) ** 2, 0) / drops.length;
  return { drop, std: Math.sqrt(variance) };
}

function dominatingText(column: string, metric: MetricName, lost: number, kept: number): string {
  return (
    `"${column}" dominates: without it ${percent(lost)} of the model's advantage in ${metric} over no model is gone, and with it alone ${percent(kept)} is there ` +
    `(warned of from ${percent(dominatingShare)} each). That is suspicious: is it known before the outcome, or does it leak it?`
  );
}
