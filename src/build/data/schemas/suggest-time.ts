import type { ColumnProfile, TableSchema } from '#contract';
import { parseDuration } from '#project';
import type { Frame } from '#tables';
import type { Collector } from '../quality/collector.ts';

type Time = NonNullable<TableSchema['time']>;

const eventNames = /(^|_|\b)(at|on|time|timestamp|date|datetime|when|day|ts)($|_|\b)|(At|Time|Date|Timestamp)$/;
const arrivalNames = /arriv|load|ingest|receiv|insert|import/i;
const notOfEvents = /birth|^dob$|valid|expir|due|until|end/i;

/** The columns that say when a row happened and when it came in, by their names and values. @param frame the rows, or a sample of them */
export function suggestTime(frame: Frame, profiles: readonly ColumnProfile[]): Pick<Time, 'column' | 'arrived'> | undefined {
  const instants = profiles.filter(
    ({ name, type, missing, distinct }) => type === 'instant' && missing === 0 && distinct > 1 && !notOfEvents.test(name),
  );
  const arrivals = instants.filter(({ name }) => arrivalNames.test(name));
  const events = instants.filter(({ name }) => !arrivalNames.test(name));
  const event = events.find(({ name }) => eventNames.test(name)) ?? (events.length === 1 ? events[0] : undefined);
  if (event === undefined) return undefined;
  const arrived = arrivals.find(({ name }) => isNeverBefore(frame, name, event.name));
  return { column: event.name, ...(arrived === undefined ? {} : { arrived: arrived.name }) };
}

function isNeverBefore(frame: Frame, later: string, earlier: string): boolean {
  const [to, from] = [frame.column(later), frame.column(earlier)];
  if (to.kind === 'text' || from.kind === 'text') return false;
  for (let row = 0; row < frame.rows; row++) if (to.values[row] < from.values[row]) return false;
  return true;
}

const spans = ['1h', '1d', '1w'] as const;
/** With fewer spans in a row that rows came so often may be chance. */
const fewestSpans = 10;
const mostSpans = 500_000;

/** In which spans of time there are rows: `every` is the shortest span of which none is empty, from the first row to the last. */
export function rhythmOf(column: string): Collector & { readonly every: () => (typeof spans)[number] | undefined } {
  const seen = spans.map((span) => ({ span, spanMs: parseDuration(span), held: new Set<number>() }));
  return {
    reads: [column],
    take: (batch) => {
      const instants = batch.column(column);
      if (instants.kind === 'text') return;
      for (const { spanMs, held } of seen) {
        if (held.size > mostSpans) continue;
        for (let row = 0; row < batch.rows; row++) held.add(Math.floor(instants.values[row] / spanMs));
      }
    },
    findings: () => [],
    every: () => seen.find(({ held }) => held.size >= fewestSpans && held.size <= mostSpans && isWhole(held))?.span,
  };
}

function isWhole(held: ReadonlySet<number>): boolean {
  let [least, most] = [Infinity, -Infinity];
  for (const span of held) [least, most] = [Math.min(least, span), Math.max(most, span)];
  return most - least + 1 === held.size;
}

const ages = ['1h', '6h', '1d', '2d', '1w', '2w', '30d'] as const;
/** Rows that are older say nothing of how fresh they are to be. */
const oldestMs = parseDuration('14d');

/** How old the newest value may be: twice as old as now, or two spans of the rhythm, rounded up. None where the rows are old ones. */
export function suggestFreshness(last: number, now: number, every: string | undefined): string | undefined {
  const age = now - last;
  if (age < 0 || age > oldestMs) return undefined;
  const least = 2 * Math.max(age, every === undefined ? 0 : parseDuration(every));
  return ages.find((each) => parseDuration(each) >= least);
}
