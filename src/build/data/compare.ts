import type { DatasetVersion } from '#contract';
import { benjaminiHochberg, driftTest } from '#stats';
import type { DriftSample } from '#stats';
import { missingCount } from '#tables';
import type { Frame } from '#tables';
import type { ColumnDifference, VersionComparison } from './port.ts';

const alpha = 0.01;

/** A string column with more distinct values than this in relation to its rows is a key or free text: its values are not compared. */
const mostDistinctShare = 0.5;

/**
 * Compares two versions: columns that came, went or changed type, and columns whose values changed more than chance explains
 * (drift test per column, false discoveries held at 1 % by Benjamini and Hochberg).
 */
export function compareVersions(
  from: { readonly version: DatasetVersion; readonly frame: Frame },
  to: { readonly version: DatasetVersion; readonly frame: Frame },
): VersionComparison {
  const [a, b] = [from.frame, to.frame];
  const removed = a.names.filter((name) => !b.has(name));
  const added = b.names.filter((name) => !a.has(name));
  const shared = a.names.filter((name) => b.has(name));
  const retyped = shared.filter((name) => a.typeOf(name) !== b.typeOf(name));
  const shape: ColumnDifference[] = [
    ...removed.map((column) => ({ column, change: 'removed' as const, message: `${column} is gone` })),
    ...added.map((column) => ({ column, change: 'added' as const, message: `${column} is new` })),
    ...retyped.map((column) => ({ column, change: 'type' as const, message: `${column} was ${a.typeOf(column)}, is ${b.typeOf(column)}` })),
  ];
  const tested = shared
    .filter((name) => !retyped.includes(name))
    .flatMap((column) => {
      const [reference, current] = [sampleOf(a, column), sampleOf(b, column)];
      return reference && current ? [{ column, result: driftTest(reference, current, { alpha }) }] : [];
    });
  const adjusted = benjaminiHochberg(tested.map(({ result }) => result.pValue));
  const changed = tested.flatMap(({ column, result }, i): ColumnDifference[] => {
    if (adjusted[i] >= alpha) return [];
    const message = `the values of ${column} changed (${result.effect.name} ${result.effect.value.toFixed(3)})`;
    return [{ column, change: 'values', message, pValue: result.pValue }];
  });
  return {
    from: from.version.digest,
    to: to.version.digest,
    rows: { from: a.rows, to: b.rows },
    sameSchema: from.version.manifest.schemaDigest === to.version.manifest.schemaDigest,
    differences: [...shape, ...changed],
  };
}

/** Undefined for columns whose values cannot be compared: no value at all, or nearly all different texts. */
function sampleOf(frame: Frame, name: string): DriftSample | undefined {
  const column = frame.column(name);
  const missing = missingCount(column);
  if (missing === frame.rows) return undefined;
  if (column.kind !== 'text') return { kind: 'numeric', values: column.values };
  const counts = new Map<string, number>();
  for (const code of column.codes) {
    if (code < 0) continue;
    const text = column.dictionary[code];
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return counts.size > mostDistinctShare * (frame.rows - missing) && counts.size > 20
    ? undefined
    : { kind: 'categorical', counts, missing };
}
