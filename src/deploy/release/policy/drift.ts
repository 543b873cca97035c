import type { DriftLine } from '#contract';

/** How far the inputs of a version lay from what it learned from, in one window that it served. */
export interface SeenDrift {
  /** The window's id. */
  readonly window: string;
  readonly environment: string;
  readonly modelVersion: string;
  /** ISO 8601. */
  readonly start: string;
  readonly end: string;
  /** Of the column that surely drifted and moved most; left out where none did. */
  readonly most?: { readonly column: string; readonly psi: number };
}

/** Where a line was crossed: the end of the window that made it so many in a row. */
export interface Crossing {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly says: string;
}

/**
 * When drift first crossed a policy's line after a decision was given: in so many windows in a row, all of them later, some column lay beyond it.
 * Windows of different environments are different rows.
 * @param drift of one version, the earliest window first
 * @param given ISO 8601
 */
export function crossingAfter(drift: readonly SeenDrift[], { psi, windows = 1 }: DriftLine, given: string): Crossing | undefined {
  const inARow = new Map<string, number>();
  for (const { environment, start, end, most } of drift) {
    if (Date.parse(start) < Date.parse(given)) continue;
    const row = most !== undefined && most.psi >= psi ? (inARow.get(environment) ?? 0) + 1 : 0;
    inARow.set(environment, row);
    if (row < windows || most === undefined) continue;
    const lasted = windows === 1 ? '' : ` for ${windows} windows in a row`;
    const says = `data drift crossed the policy's line (PSI ${psi}${lasted}) in "${environment}" until ${end}: ${most.column} ${most.psi.toFixed(2)}`;
    return { at: Date.parse(end), says };
  }
  return undefined;
}
