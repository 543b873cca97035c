import { isoInstant } from '#core';
import { sqlName } from '#tables';
import { wholeTable } from './batches.ts';
import { parseDuration } from '#project';
import { quantilesOfSorted } from '#stats';
import type { Collector } from './collector.ts';
import { known } from './collector.ts';
import { courseOfTime } from './course-of-time.ts';
import type { Time } from './course-of-time.ts';
import { strictly, unmeasured, warning } from './limits.ts';
import type { Finding } from './limits.ts';
import { fails, passes, skipped } from './row-check.ts';
import { rangeSql } from './row-sql.ts';
import { judgedRows } from './subject.ts';
import type { QualitySubject } from './subject.ts';

const dayMs = 86_400_000;
const inDays = (ms: number): string => `${(ms / dayMs).toFixed(1)} days`;

/**
 * Timeliness: is it of today? The age of the day that the data speak of, of the newest instant and of columns with a freshness; gaps;
 * rows that came late; instants of the future.
 */
export function timelinessCollectors(subject: QualitySubject): Collector[] {
  const { batches, request, now } = subject;
  const { asOf, maxAgeMs, schema } = request;
  const instants = batches.schema.filter(({ type }) => type === 'instant').map(({ name }) => name);
  const newest = new Map<string, number>();
  const ages: Collector = {
    reads: instants,
    ask: async (tables) => {
      if (instants.length === 0) return;
      const latest = await tables.numbers(
        `SELECT ${instants.map((name) => `epoch_ms(max(${sqlName(name)}))::DOUBLE`).join(', ')} FROM ${wholeTable}`,
      );
      instants.forEach((name, i) => newest.set(name, Number.isNaN(latest[i]) ? -Infinity : latest[i]));
    },
    take: (batch) => {
      for (const name of instants) {
        const column = batch.column(name);
        if (column.kind === 'text') continue;
        let latest = newest.get(name) ?? -Infinity;
        for (const instant of column.values) if (instant > latest) latest = instant;
        newest.set(name, latest);
      }
    },
    findings: () => [newestFinding(newest, now, maxAgeMs), ...freshnessFindings(subject, newest)],
  };
  return [
    known(
      asOf === undefined
        ? unmeasured('age of the data', 'nobody said which day the data speak of (`asOf`); the file’s own date says when it was copied')
        : ageFinding('age of the data', now - asOf, maxAgeMs, `the data speak of ${isoInstant(asOf).slice(0, 10)}`),
    ),
    ages,
    ...(schema?.time === undefined ? [] : timeCollectors(subject, schema.time)),
    ...instants.map((name) =>
      judgedRows(subject, {
        name: `not in the future: ${name}`,
        column: name,
        reads: [name],
        limits: warning,
        mark: (batch, marks) => {
          const column = batch.column(name);
          if (column.kind === 'text') return;
          const { values } = column;
          for (let row = 0; row < batch.rows; row++)
            marks[row] = values[row] > now ? fails : values[row] === values[row] ? passes : skipped;
        },
        sql: rangeSql(name, 'instant', -Infinity, now),
        failed: (count) => `${count} values of ${name} lie in the future`,
        passed: `no ${name} lies in the future`,
      }),
    ),
  ];
}

/** Full score up to the greatest age allowed, then falling with the age: half at twice that age. */
function ageFinding(name: string, ageMs: number, maxAgeMs: number | undefined, fact: string): Finding {
  const age = `${fact}, ${inDays(Math.max(0, ageMs))} ago`;
  if (maxAgeMs === undefined) return unmeasured(name, `${age}, but no greatest age is set (\`maxAge\`)`);
  const isOld = ageMs > maxAgeMs;
  return {
    name,
    score: isOld ? maxAgeMs / ageMs : 1,
    weight: 1,
    limits: warning,
    message: `${age}; at most ${inDays(maxAgeMs)} are allowed`,
    failing: isOld ? 1 : 0,
    examples: [],
  };
}

function newestFinding(newest: ReadonlyMap<string, number>, now: number, maxAgeMs: number | undefined): Finding {
  const [latest] = [...newest].filter(([, instant]) => instant > -Infinity).sort(([, left], [, right]) => right - left);
  if (latest === undefined) return unmeasured('newest instant', 'there is no instant column');
  const [column, instant] = latest;
  return { ...ageFinding('newest instant', now - instant, maxAgeMs, `the newest ${column} is ${isoInstant(instant)}`), column };
}

function freshnessFindings({ request, now }: QualitySubject, newest: ReadonlyMap<string, number>): Finding[] {
  return (request.schema?.columns ?? []).flatMap(({ name, freshness, severity }): Finding[] => {
    if (freshness === undefined) return [];
    const instant = newest.get(name);
    const check = `freshness: ${name}`;
    if (instant === undefined || instant === -Infinity) return [unmeasured(check, `${name} is no instant column with values`)];
    const finding = ageFinding(check, now - instant, parseDuration(freshness), `the newest ${name} is ${isoInstant(instant)}`);
    return [{ ...finding, column: name, limits: severity === 'warning' ? warning : strictly }];
  });
}

/** So many lags are kept for their quantiles. */
const lagsKept = 100_000;

function timeCollectors(subject: QualitySubject, time: Time): Collector[] {
  const { column, arrived, maxLag } = time;
  const { batches } = subject;
  const gaps = courseOfTime(subject, time, 'gaps');
  if (arrived === undefined) return [gaps, known(unmeasured('late rows', 'the schema does not say when a row came in (`time.arrived`)'))];
  const types = new Map(batches.schema.map(({ name, type }) => [name, type]));
  if (types.get(column) !== 'instant' || types.get(arrived) !== 'instant')
    return [gaps, known(unmeasured('late rows', `${column} and ${arrived} have to be instant columns of the table`))];
  const lags: number[] = [];
  const most = maxLag === undefined ? Infinity : parseDuration(maxLag);
  const stride = Math.max(1, Math.ceil(batches.rows / lagsKept));
  const late = judgedRows(subject, {
    name: 'late rows',
    column: arrived,
    reads: [column, arrived],
    limits: warning,
    mark: (batch, marks, firstRow) => {
      const [event, arrival] = [batch.column(column), batch.column(arrived)];
      if (event.kind === 'text' || arrival.kind === 'text') return;
      for (let row = 0; row < batch.rows; row++) {
        const lag = arrival.values[row] - event.values[row];
        marks[row] = Number.isNaN(lag) ? skipped : lag > most || lag < 0 ? fails : passes;
        if (!Number.isNaN(lag) && (firstRow + row) % stride === 0) lags.push(lag);
      }
    },
    failed: (count) => `${count} rows came later than ${maxLag ?? 'ever'} after ${column}, or before it`,
    passed: maxLag === undefined ? `no row came before its ${column}` : `each row came within ${maxLag} of its ${column}`,
  });
  const withLags = (finding: Finding): Finding => {
    if (lags.length === 0) return finding;
    const [half, high, longest] = quantilesOfSorted(Float64Array.from(lags).sort(), [0.5, 0.95, 1]);
    return {
      ...finding,
      message: `${finding.message}; lag: median ${lagText(half)}, 95 % within ${lagText(high)}, longest ${lagText(longest)}`,
    };
  };
  return [gaps, { ...late, findings: () => late.findings().map(withLags) }];
}

function lagText(ms: number): string {
  const units = [
    ['d', dayMs],
    ['h', 3_600_000],
    ['min', 60_000],
    ['s', 1000],
  ] as const;
  const [unit, size] = units.find(([, each]) => Math.abs(ms) >= each) ?? ['ms', 1];
  return `${Number((ms / size).toFixed(1))} ${unit}`;
}
