import { firstRowAt, scrolledHeight, scrollTopOf, tallestPx } from './row-window.ts';

/*
 * Which pictures of a very long wall stand in its window. Pure: the wall draws by it.
 */

/** How many tiles fit side by side; at least one. @param side of a tile, pixels */
export function columnsOf(widthPx: number, side: number, gapPx: number): number {
  return Math.max(1, Math.floor((widthPx + gapPx) / (side + gapPx)));
}

export interface WallPlace {
  readonly total: number;
  readonly columns: number;
  readonly rowPx: number;
  readonly heightPx: number;
  readonly scrollTop: number;
}

export interface WallWindow {
  /** Pictures to draw: from `first` to before `last`, whole rows, one more above and below what is in sight. */
  readonly first: number;
  readonly last: number;
  /** The first one in sight, and how many are. */
  readonly seenFirst: number;
  readonly seen: number;
  /** Height of the place that is scrolled, and where in it the drawn rows stand. */
  readonly tallPx: number;
  readonly topPx: number;
  /** Where the scroll bar has to stand for a row to be in sight; undefined when it is. */
  readonly scrollTopFor: (row: number) => number | undefined;
}

/** Walls that are taller than browsers draw scroll by whole rows, as the grid does; others by the pixel. */
export function wallAt({ total, columns, rowPx, heightPx, scrollTop }: WallPlace): WallWindow {
  const rows = Math.ceil(total / columns);
  const view = { total: rows, rowPx, heightPx };
  const tallPx = scrolledHeight(view);
  const isCut = rows * rowPx > tallestPx;
  const top = Math.max(0, Math.min(scrollTop, tallPx - heightPx));
  const firstSeen = isCut ? firstRowAt(scrollTop, view) : Math.floor(top / rowPx);
  const lastSeen = Math.min(rows, isCut ? firstSeen + Math.ceil(heightPx / rowPx) : Math.ceil((top + heightPx) / rowPx));
  const drawn = Math.max(0, firstSeen - 1);
  return {
    first: drawn * columns,
    last: Math.min(total, (lastSeen + 1) * columns),
    seenFirst: firstSeen * columns,
    seen: Math.min(total, lastSeen * columns) - firstSeen * columns,
    tallPx,
    topPx: isCut ? scrollTop - (firstSeen - drawn) * rowPx : drawn * rowPx,
    scrollTopFor: (row) => {
      if (isCut) return row >= firstSeen && row < firstSeen + Math.floor(heightPx / rowPx) ? undefined : scrollTopOf(row, view);
      if (row * rowPx < top) return row * rowPx;
      if ((row + 1) * rowPx > top + heightPx) return (row + 1) * rowPx - heightPx;
      return undefined;
    },
  };
}
