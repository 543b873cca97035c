/*
 * Which rows of a very long table stand in its window, and which pages of rows have to be asked for. Pure: the grid draws by it.
 */

/** Browsers cut elements off between 17 and 33 million pixels; longer tables scroll in steps of several rows. */
export const tallestPx = 12_000_000;

export interface Window {
  /** Rows of the whole table. */
  readonly total: number;
  readonly rowPx: number;
  /** Height of what is in sight, without the head. */
  readonly heightPx: number;
}

/** How high the place is that is scrolled: that of all rows, or the tallest that browsers draw. */
export function scrolledHeight({ total, rowPx }: Pick<Window, 'total' | 'rowPx'>): number {
  return Math.min(tallestPx, total * rowPx);
}

/** How many rows fit, the one that is cut off at the lower edge included. */
export function rowsThatFit({ total, rowPx, heightPx }: Window): number {
  return Math.min(total, Math.ceil(heightPx / rowPx));
}

/** The first row in sight at a place of the scroll bar; at the very end the last row is in sight. */
export function firstRowAt(scrollTop: number, window: Window): number {
  const path = scrolledHeight(window) - window.heightPx;
  const rows = window.total - Math.floor(window.heightPx / window.rowPx);
  if (path <= 0 || rows <= 0) return 0;
  return Math.round(Math.min(1, Math.max(0, scrollTop / path)) * rows);
}

/** Where the scroll bar stands when this row is the first in sight. */
export function scrollTopOf(row: number, window: Window): number {
  const path = scrolledHeight(window) - window.heightPx;
  const rows = window.total - Math.floor(window.heightPx / window.rowPx);
  if (path <= 0 || rows <= 0) return 0;
  return (Math.min(rows, Math.max(0, row)) / rows) * path;
}

/** The pages (from 0) that hold these rows. @param last the row after the last */
export function pagesOf(first: number, last: number, pageRows: number): readonly number[] {
  const pages: number[] = [];
  for (let page = Math.floor(first / pageRows); page * pageRows < last; page++) pages.push(page);
  return pages;
}
