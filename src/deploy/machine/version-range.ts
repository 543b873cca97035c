/**
 * Whether a version is within all of some bounds.
 * @param range such as `>=1.20 <2`, `1.30` (that one, whatever comes behind)
 */
export function isWithin(version: string, range: string): boolean {
  const bounds = [...range.matchAll(/(>=|<=|>|<|=)? *([0-9]+(?:\.[0-9]+){0,2})/g)];
  return bounds.length > 0 && bounds.every(([, operator = '=', bound]) => holds(version, operator, bound));
}

function holds(version: string, operator: string, bound: string): boolean {
  const wanted = bound.split('.').map(Number);
  const parts = version.split('.').map((part) => Number.parseInt(part, 10) || 0);
  // `=1.30` speaks of the parts that it names; an order needs all of them.
  const compared = operator === '=' ? wanted.length : 3;
  const at = Array.from({ length: compared }, (_, k) => (parts[k] ?? 0) - (wanted[k] ?? 0)).find((difference) => difference !== 0) ?? 0;
  switch (operator) {
    case '>=':
      return at >= 0;
    case '<=':
      return at <= 0;
    case '>':
      return at > 0;
    case '<':
      return at < 0;
    default:
      return at === 0;
  }
}
