/** How the values of a group lie. */
export interface BoxFigures {
  readonly group: string;
  /** Rising. */
  readonly values: readonly number[];
  readonly mean: number;
  /** Standard deviation of the sample; 0 for one value. */
  readonly deviation: number;
  readonly lower: number;
  readonly median: number;
  readonly upper: number;
  /** Ends of the whiskers: the last values within 1.5 times the height of the box (Tukey 1977, Exploratory Data Analysis). */
  readonly low: number;
  readonly high: number;
}

/** Finite values by their group, groups in the order of numbers and words. */
export function boxFigures(all: readonly { readonly group: string; readonly value: number }[]): readonly BoxFigures[] {
  const finite = all.filter(({ value }) => Number.isFinite(value));
  return [...Map.groupBy(finite, ({ group }) => group)]
    .sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }))
    .map(([group, members]) => {
      const values = members.map(({ value }) => value).sort((a, b) => a - b);
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
      const [lower, median, upper] = [quantile(values, 0.25), quantile(values, 0.5), quantile(values, 0.75)];
      const reach = 1.5 * (upper - lower);
      return {
        group,
        values,
        mean,
        deviation: values.length < 2 ? 0 : Math.sqrt(squares / (values.length - 1)),
        lower,
        median,
        upper,
        low: values.find((value) => value >= lower - reach) ?? lower,
        high: values.findLast((value) => value <= upper + reach) ?? upper,
      };
    });
}

/** Linear between the values beside it (Hyndman and Fan 1996, definition 7; what NumPy does by default). @param values rising, at least one */
function quantile(values: readonly number[], share: number): number {
  const at = share * (values.length - 1);
  const below = values[Math.floor(at)] ?? 0;
  return below + (at - Math.floor(at)) * ((values[Math.ceil(at)] ?? below) - below);
}
