import { maskedText } from '#contract';
import type { LogPolicy } from '#contract';
import { usualBound } from './spool-bound.ts';
import type { SpoolBound } from './spool-bound.ts';

type Cells = Readonly<Record<string, unknown>>;

/** Hides what a policy hides from a row of inputs or outputs, by the names of columns and tensors. */
export type Hide = <R extends Cells>(rows: readonly R[]) => readonly R[];

/** Names of columns and tensors. */
export interface HiddenNames {
  readonly mask?: readonly string[] | undefined;
  readonly drop?: readonly string[] | undefined;
}

const asTheyAre: Hide = (rows) => rows;

/**
 * @param mask names whose texts become `***`, and other values null; missing values stay missing
 * @param drop names that are left out
 */
export function hiding({ mask = [], drop = [] }: HiddenNames): Hide {
  if (mask.length === 0 && drop.length === 0) return asTheyAre;
  const masked = new Set(mask);
  const dropped = new Set(drop);
  return <R extends Cells>(rows: readonly R[]): R[] =>
    rows.map((row) => {
      const shown: Record<string, unknown> = {};
      for (const name in row) {
        // A column of a tensor is called `name[3]`.
        const own = name.endsWith(']') ? name.slice(0, name.lastIndexOf('[')) : name;
        if (dropped.has(name) || dropped.has(own)) continue;
        const value: unknown = row[name];
        shown[name] = masked.has(name) || masked.has(own) ? (typeof value === 'string' ? maskedText : null) : value;
      }
      // Names are left out and values replaced by what any cell may be: it is a row of the same kind.
      return shown as R;
    });
}

/** How much of the disk a log may take. */
export function boundOf({ maxMib, whenFull = usualBound.whenFull }: LogPolicy): SpoolBound {
  return { maxBytes: maxMib === undefined ? usualBound.maxBytes : maxMib * 1024 * 1024, whenFull };
}
