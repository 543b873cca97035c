import type { NamedRow } from '#contract';

/** Bytes of the texts in one request: pictures are long ones, and bodies are limited. */
const batchBytes = 1024 * 1024;

/** Rows as they are sent together: so many at most, and fewer where they hold long texts. */
export function batchesOf(rows: readonly NamedRow[], most: number): readonly (readonly NamedRow[])[] {
  const batches: NamedRow[][] = [[]];
  let bytes = 0;
  for (const row of rows) {
    const size = Object.values(row).reduce<number>((sum, value) => sum + (typeof value === 'string' ? value.length : 0), 0);
    const last = batches[batches.length - 1];
    if (last.length > 0 && (last.length >= most || bytes + size > batchBytes)) {
      batches.push([row]);
      bytes = size;
    } else {
      last.push(row);
      bytes += size;
    }
  }
  return batches;
}
