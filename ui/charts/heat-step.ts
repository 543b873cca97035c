/** Which step of colour a drift has: below half of what counts, below it, and above it by size. */
export function heatStep(psi: number, counts: number): 0 | 1 | 2 | 3 | 4 {
  if (psi < counts / 2) return 0;
  if (psi < counts) return 1;
  if (psi < 2.5 * counts) return 2;
  return psi < 5 * counts ? 3 : 4;
}
