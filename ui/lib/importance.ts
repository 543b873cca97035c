/** How much a parameter goes along with a metric over some runs. */
export interface Importance {
  readonly parameter: string;
  /** 0 (not at all) to 1. */
  readonly strength: number;
  /** Rising or falling with the parameter; undefined where its values have no order. */
  readonly direction?: 'rises' | 'falls';
}

export interface ScoredRun {
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly value: number;
}

/** Fewer runs say nothing. */
const fewestRuns = 4;

/**
 * How much of a metric's order each parameter explains, the strongest first: for numbers the size of Spearman's rank correlation, for words the
 * correlation ratio of ranks (the root of the share of their variance that lies between the words). It says what went along with the metric in
 * these runs, not what caused it.
 */
export function importances(runs: readonly ScoredRun[]): readonly Importance[] {
  const scored = runs.filter(({ value }) => Number.isFinite(value));
  if (scored.length < fewestRuns) return [];
  const names = [...new Set(scored.flatMap(({ parameters }) => Object.keys(parameters)))];
  const found = names.flatMap((parameter): readonly Importance[] => {
    const own = scored.filter(({ parameters }) => parameters[parameter] !== undefined);
    const texts = own.map(({ parameters }) => String(parameters[parameter]));
    const distinct = new Set(texts).size;
    if (own.length < fewestRuns || distinct < 2) return [];
    const values = ranks(own.map(({ value }) => value));
    const numbers = texts.map((text) => (text.trim() === '' ? Number.NaN : Number(text)));
    if (numbers.every(Number.isFinite)) {
      const rho = correlation(ranks(numbers), values);
      return [{ parameter, strength: Math.abs(rho), direction: rho >= 0 ? 'rises' : 'falls' }];
    }
    // A word for each run explains everything and says nothing.
    return distinct === own.length ? [] : [{ parameter, strength: correlationRatio(texts, values) }];
  });
  return [...found].sort((a, b) => b.strength - a.strength);
}

/** Ranks from 1; equal values share the mean of theirs. */
export function ranks(values: readonly number[]): readonly number[] {
  const order = values.map((_, at) => at).sort((a, b) => (values[a] ?? 0) - (values[b] ?? 0));
  const ranked: number[] = Array.from({ length: values.length }, () => 0);
  for (let start = 0; start < order.length;) {
    let end = start;
    while (end < order.length && values[order[end] ?? 0] === values[order[start] ?? 0]) end += 1;
    for (let at = start; at < end; at += 1) ranked[order[at] ?? 0] = (start + end + 1) / 2;
    start = end;
  }
  return ranked;
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

function correlation(a: readonly number[], b: readonly number[]): number {
  const [meanA, meanB] = [mean(a), mean(b)];
  let [both, ofA, ofB] = [0, 0, 0];
  a.forEach((value, at) => {
    const [x, y] = [value - meanA, (b[at] ?? 0) - meanB];
    both += x * y;
    ofA += x * x;
    ofB += y * y;
  });
  return ofA === 0 || ofB === 0 ? 0 : both / Math.sqrt(ofA * ofB);
}

function correlationRatio(groups: readonly string[], values: readonly number[]): number {
  const whole = mean(values);
  const members = Map.groupBy(values, (_, at) => groups[at] ?? '');
  const between = [...members.values()].reduce((sum, own) => sum + own.length * (mean(own) - whole) ** 2, 0);
  const total = values.reduce((sum, value) => sum + (value - whole) ** 2, 0);
  return total === 0 ? 0 : Math.sqrt(between / total);
}
