/** As many runs as one request draws. */
export const mostCompared = 100;

/** The page that shows runs side by side. */
export function comparePath(runs: readonly string[]): string {
  return `/compare?runs=${runs.map(encodeURIComponent).join(',')}`;
}
