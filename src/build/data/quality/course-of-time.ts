import type { TableSchema } from '#contract';
import { isoInstant } from '#core';
import { parseDuration } from '#project';
import { known } from './collector.ts';
import type { Collector } from './collector.ts';
import { unmeasured } from './limits.ts';
import type { Finding } from './limits.ts';
import { maskedValue } from '../masking.ts';
import type { QualitySubject } from './subject.ts';
import { groupName } from './value-counts.ts';

export type Time = NonNullable<TableSchema['time']>;

/** More spans than these are not kept apart. */
const mostSpans = 4_000_000;

/**
 * Divides the time from the first to the last instant into spans of `every`, for each value of `by` by itself.
 * `coverage`: the share of spans that have a row. `gaps`: runs of spans without one; the score is 1 - gaps / spans that have a row.
 */
export function courseOfTime(subject: QualitySubject, time: Time, which: 'coverage' | 'gaps'): Collector {
  const { batches, masked } = subject;
  const { column, every, by } = time;
  const name = which === 'coverage' ? `coverage of time: ${column}` : `gaps: ${column}`;
  const types = new Map(batches.schema.map((each) => [each.name, each.type]));
  if (types.get(column) !== 'instant') return known(unmeasured(name, `${column} is no instant column of the table`));
  if (every === undefined) return known(unmeasured(name, 'the schema does not say how often rows come (`time.every`)'));
  if (by !== undefined && !types.has(by)) return known(unmeasured(name, `there is no column ${by}`));
  const spanMs = parseDuration(every);
  const spans = new Map<string, Set<number>>();
  let total = 0;
  return {
    reads: by === undefined ? [column] : [column, by],
    take: (batch) => {
      const instants = batch.column(column);
      if (instants.kind === 'text' || total > mostSpans) return;
      const groups = by === undefined ? undefined : batch.column(by);
      const ofGroup = new Map<number, Set<number>>();
      for (let row = 0; row < batch.rows; row++) {
        const span = Math.floor(instants.values[row] / spanMs);
        if (Number.isNaN(span)) continue;
        const group = groups === undefined ? 0 : groups.kind === 'text' ? groups.codes[row] : groups.values[row];
        if (Number.isNaN(group) || (groups?.kind === 'text' && group < 0)) continue;
        let seen = ofGroup.get(group);
        if (seen === undefined) {
          const named = by === undefined ? '' : groupName(batch, by, group);
          seen = spans.get(named) ?? new Set();
          spans.set(named, seen);
          ofGroup.set(group, seen);
        }
        if (seen.has(span)) continue;
        seen.add(span);
        if (++total > mostSpans) return;
      }
    },
    findings: () => {
      if (total === 0) return [unmeasured(name, `${column} has no value`)];
      if (total > mostSpans) return [unmeasured(name, `there are more than ${mostSpans} spans of ${every}`)];
      return [findingOf(name, which, time, spanMs, spans, (group) => String(by === undefined ? '' : maskedValue(by, group, masked).value))];
    },
  };
}

function findingOf(
  name: string,
  which: 'coverage' | 'gaps',
  { column, every, by }: Time,
  spanMs: number,
  spans: ReadonlyMap<string, ReadonlySet<number>>,
  shown: (group: string) => string,
): Finding {
  let [expected, present] = [0, 0];
  const gaps: { group: string; from: number; length: number }[] = [];
  for (const [group, seen] of spans) {
    const rising = [...seen].sort((left, right) => left - right);
    expected += rising[rising.length - 1] - rising[0] + 1;
    present += rising.length;
    for (let i = 1; i < rising.length; i++) {
      const length = rising[i] - rising[i - 1] - 1;
      if (length > 0) gaps.push({ group, from: rising[i - 1] + 1, length });
    }
  }
  gaps.sort((left, right) => right.length - left.length || left.from - right.from);
  const failing = which === 'coverage' ? expected - present : gaps.length;
  const inGroups = by === undefined ? '' : ` of ${spans.size} ${by}`;
  const longest = gaps[0];
  const length = (count: number): string => `${count} x ${every}`;
  const of = longest && by !== undefined ? ` (${by} ${shown(longest.group)})` : '';
  const where = longest ? `; the longest gap is ${length(longest.length)} from ${isoInstant(longest.from * spanMs)}${of}` : '';
  return {
    name,
    column,
    score: which === 'coverage' ? present / expected : 1 - gaps.length / present,
    weight: 1,
    limits: { warn: 1 },
    message:
      failing === 0
        ? `there is a row in every ${every}${inGroups}, from first to last`
        : which === 'coverage'
          ? `${failing} of ${expected} spans of ${every}${inGroups} have no row${where}`
          : `${failing} gap${failing === 1 ? '' : 's'}${inGroups}${where}`,
    failing,
    applied: which === 'coverage' ? expected : present,
    examples: gaps.slice(0, 5).map(({ group, from, length: missing }) => ({
      column,
      value: isoInstant(from * spanMs),
      note: `${length(missing)} without a row${by === undefined ? '' : `, ${by} ${shown(group)}`}`,
    })),
  };
}
