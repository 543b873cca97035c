import type { ColumnSchema } from '#contract';
import { isMissing } from '#tables';
import type { Frame } from '#tables';
import { known } from './collector.ts';
import type { Collector } from './collector.ts';
import { unmeasured } from './limits.ts';
import type { Finding } from './limits.ts';
import { courseOfTime } from './course-of-time.ts';
import { maskedValue } from '../masking.ts';
import { onSample } from './subject.ts';
import type { QualitySubject } from './subject.ts';
import { countsCollector, groupName, valueCounts } from './value-counts.ts';

/** Nothing can be said of a group with fewer rows: the 95 % interval of a share of one half is then wider than 0.36. */
const leastRows = 30;
/** Between the group that misses least and the one that misses most. */
const missingLimits = { warn: 0.9 };

/** Coverage: is each span of time, place and declared group there, and is any of them missing more values than the others? */
export function coverageCollectors(subject: QualitySubject): Collector[] {
  const { request, batches } = subject;
  const present = new Set(batches.schema.map(({ name }) => name));
  const named = [
    ...(request.places ?? []).map((name) => ({ name, what: 'place' as const })),
    ...(request.groups ?? []).map((name) => ({ name, what: 'group' as const })),
  ];
  const time = request.schema?.time;
  return [
    ...(time === undefined ? [] : [courseOfTime(subject, time, 'coverage')]),
    ...named.map(({ name, what }): Collector => {
      if (!present.has(name)) return known(unmeasured(`coverage of ${what}s: ${name}`, `there is no column ${name}`));
      const counts = valueCounts(name);
      const expected = request.schema?.columns.find((column) => column.name === name);
      return {
        ...countsCollector(counts),
        findings: () => [
          coverageFinding(subject, name, what, counts.counts(), expected),
          onSample(subject, missingByGroup(subject, name, what)),
        ],
      };
    }),
  ];
}

function coverageFinding(
  { masked }: QualitySubject,
  column: string,
  what: string,
  counts: ReadonlyMap<string, number> | undefined,
  expected: ColumnSchema | undefined,
): Finding {
  const name = `coverage of ${what}s: ${column}`;
  if (!counts) return unmeasured(name, `${column} has more than 1000 different values`);
  const wanted = new Set([...(expected?.categories ?? []), ...Object.keys(expected?.population ?? {}), ...counts.keys()]);
  const thin = [...wanted]
    .filter((value) => (counts.get(value) ?? 0) < leastRows)
    .sort((a, b) => (counts.get(a) ?? 0) - (counts.get(b) ?? 0));
  const words = thin.slice(0, 5).map((value) => `${maskedValue(column, value, masked).value} (${counts.get(value) ?? 0})`);
  return {
    name,
    column,
    score: wanted.size === 0 ? null : 1 - thin.length / wanted.size,
    weight: 1,
    limits: { warn: 1 },
    message:
      thin.length > 0
        ? `${thin.length} of ${wanted.size} ${what}s of ${column} have fewer than ${leastRows} rows: ${words.join(', ')}`
        : `each of the ${wanted.size} ${what}s of ${column} has at least ${leastRows} rows`,
    failing: thin.length,
    applied: wanted.size,
    examples: thin.slice(0, 5).map((value) => ({ column, ...maskedValue(column, value, masked), note: `${counts.get(value) ?? 0} rows` })),
  };
}

/** Score: 1 - (share of missing cells in the group that misses most - the same in the group that misses least). */
function missingByGroup({ sample, masked }: QualitySubject, column: string, what: string): Finding {
  const name = `missing by ${what}: ${column}`;
  const { groups, names } = groupsOf(sample, column);
  const cells = new Float64Array(names.length);
  const missing = new Float64Array(names.length);
  for (const other of sample.names) {
    if (other === column) continue;
    const values = sample.column(other);
    for (let row = 0; row < sample.rows; row++) {
      if (groups[row] < 0) continue;
      cells[groups[row]]++;
      if (isMissing(values, row)) missing[groups[row]]++;
    }
  }
  const shares = names
    .map((value, group) => ({ value, share: missing[group] / cells[group], rows: cells[group] / Math.max(1, sample.names.length - 1) }))
    .filter(({ rows }) => rows >= leastRows)
    .sort((left, right) => right.share - left.share);
  if (shares.length < 2) return unmeasured(name, `fewer than two ${what}s have ${leastRows} rows`);
  const [worst, best] = [shares[0], shares[shares.length - 1]];
  const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
  const shown = (value: string): string => String(maskedValue(column, value, masked).value);
  return {
    name,
    column,
    score: 1 - (worst.share - best.share),
    weight: 0.5,
    limits: missingLimits,
    message: `${what} ${shown(worst.value)} misses ${percent(worst.share)} of its values, ${shown(best.value)} ${percent(best.share)}`,
    failing: shares.filter(({ share }) => share - best.share > 1 - missingLimits.warn).length,
    applied: shares.length,
    examples: shares
      .slice(0, 5)
      .map(({ value, share }) => ({ column, ...maskedValue(column, value, masked), note: `${percent(share)} missing` })),
  };
}

/** Each row's group by a column, -1 where it is missing, and the groups' names. */
export function groupsOf(frame: Frame, column: string): { groups: Int32Array; names: string[] } {
  const values = frame.column(column);
  const numbers = values.kind === 'text' ? values.codes : values.values;
  const known = new Map<number, number>();
  const groups = new Int32Array(frame.rows).fill(-1);
  for (let row = 0; row < frame.rows; row++) {
    if (isMissing(values, row)) continue;
    let group = known.get(numbers[row]);
    if (group === undefined) known.set(numbers[row], (group = known.size));
    groups[row] = group;
  }
  return { groups, names: [...known.keys()].map((value) => groupName(frame, column, value)) };
}
