import type { ColumnProfile, DatasetProfile } from '#contract';
import { isoInstant } from '#core';
import { histogramOf, quantilesOfSorted, sorted, standardDeviation, uniformBinEdges, mean } from '#stats';
import { compactText } from '#tables';
import type { Frame, TextColumn } from '#tables';
import { associationOf } from './association.ts';

const levels = [0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1];
const histogramBins = 20;
const topValues = 20;

/**
 * Profiles each column: how many values, how many are missing or distinct, moments, quantiles and a histogram for numbers,
 * the most frequent values and lengths for texts, the span of instants; and, when a target is named, the association with it.
 * @param version the digest of the dataset version
 */
export function profileFrame(frame: Frame, version: string, target?: string): DatasetProfile {
  return { dataset: version, rows: frame.rows, columns: frame.names.map((name) => profileColumn(frame, name, target)) };
}

function profileColumn(frame: Frame, name: string, target: string | undefined): ColumnProfile {
  const column = frame.column(name);
  const type = frame.typeOf(name);
  const association = target === undefined || target === name ? undefined : associationOf(frame, name, target);
  const associated = association ? { association } : {};
  if (column.kind === 'text') {
    const { counts, text } = textFigures(column);
    const count = counts.reduce((sum, each) => sum + each, 0);
    return { name, type, count, missing: frame.rows - count, distinct: counts.length, ...(count > 0 ? { text } : {}), ...associated };
  }
  const rising = sorted(column.values);
  let distinct = 0;
  rising.forEach((value, i) => {
    if (i === 0 || value !== rising[i - 1]) distinct++;
  });
  const base = { name, type, count: rising.length, missing: frame.rows - rising.length, distinct };
  if (rising.length === 0) return { ...base, ...associated };
  if (column.kind === 'instant') {
    return { ...base, instants: { first: isoInstant(rising[0]), last: isoInstant(rising[rising.length - 1]) }, ...associated };
  }
  return { ...base, numeric: numericFigures(rising), ...associated };
}

function numericFigures(rising: Float64Array): NonNullable<ColumnProfile['numeric']> {
  const [low, high] = [rising[0], rising[rising.length - 1]];
  const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);
  const isOne = low === high;
  const edges = isOne ? [] : uniformBinEdges(low, high, histogramBins);
  const counts = histogramOf(rising, edges);
  const bounds = [low, ...edges, high];
  return {
    min: finite(low),
    max: finite(high),
    mean: finite(mean(rising)),
    std: finite(standardDeviation(rising)),
    quantiles: quantilesOfSorted(rising, levels).map((value, i) => ({ q: levels[i], value })),
    zeros: rising.filter((value) => value === 0).length,
    negatives: rising.filter((value) => value < 0).length,
    histogram: [...counts].map((count, i) => ({ low: bounds[i], high: bounds[i + 1], count })),
  };
}

function textFigures(column: TextColumn): { counts: number[]; text: NonNullable<ColumnProfile['text']> } {
  const { codes, dictionary } = compactText(column);
  const counts = new Array<number>(dictionary.length).fill(0);
  for (const code of codes) if (code >= 0) counts[code]++;
  const top = dictionary
    .map((value, code) => ({ value, count: counts[code] }))
    .sort((left, right) => right.count - left.count || (left.value < right.value ? -1 : 1))
    .slice(0, topValues);
  let [minLength, maxLength] = [Infinity, 0];
  for (const { length } of dictionary) {
    minLength = Math.min(minLength, length);
    maxLength = Math.max(maxLength, length);
  }
  return { counts, text: { top, minLength, maxLength } };
}
