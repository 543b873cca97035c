/**
 * Benjamini and Hochberg's (1995) adjusted p-values: a test whose adjusted value is at most q belongs to a set with an expected share of
 * false discoveries of at most q. Same order as given.
 */
export function benjaminiHochberg(pValues: readonly number[]): number[] {
  const order = pValues.map((_, i) => i).sort((a, b) => pValues[b] - pValues[a]);
  const adjusted = Array.from({ length: pValues.length }, () => 1);
  let least = 1;
  order.forEach((index, position) => {
    least = Math.min(least, (pValues[index] * pValues.length) / (pValues.length - position));
    adjusted[index] = least;
  });
  return adjusted;
}
