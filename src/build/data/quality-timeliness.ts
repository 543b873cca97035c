import type { QualityCheck } from '#contract';
import { isoInstant } from '#core';
import type { Frame } from '#tables';
import { unmeasured } from './quality-subject.ts';
import type { QualitySubject } from './quality-subject.ts';
import { collectFailures, shareCheck } from './validate.ts';

const dayMs = 86_400_000;
const inDays = (ms: number): string => `${(ms / dayMs).toFixed(1)} days`;

/** Timeliness: is it of today? The age of the day that the data speak of and of the newest instant, against the greatest age allowed. */
export function timelinessChecks({ frame, request, now }: QualitySubject): QualityCheck[] {
  const { asOf, maxAgeMs } = request;
  const newest = newestInstant(frame);
  return [
    asOf === undefined
      ? unmeasured('age of the data', 'nobody said which day the data speak of (`asOf`); the file’s own date says when it was copied')
      : ageCheck('age of the data', now - asOf, maxAgeMs, `the data speak of ${isoInstant(asOf).slice(0, 10)}`),
    newest === undefined
      ? unmeasured('newest instant', 'there is no instant column')
      : ageCheck(`newest instant`, now - newest.instant, maxAgeMs, `the newest ${newest.column} is ${isoInstant(newest.instant)}`),
    ...futureCheck(frame, now),
  ];
}

/** Full score up to the greatest age allowed, then falling with the age: half at twice that age. */
function ageCheck(name: string, ageMs: number, maxAgeMs: number | undefined, fact: string): QualityCheck {
  const age = `${fact}, ${inDays(Math.max(0, ageMs))} ago`;
  if (maxAgeMs === undefined) return unmeasured(name, `${age}, but no greatest age is set (\`maxAge\`)`);
  const isOld = ageMs > maxAgeMs;
  return {
    name,
    score: isOld ? maxAgeMs / ageMs : 1,
    weight: 1,
    severity: isOld ? 'warning' : 'info',
    message: `${age}; at most ${inDays(maxAgeMs)} are allowed`,
    failing: isOld ? 1 : 0,
    examples: [],
  };
}

function newestInstant(frame: Frame): { column: string; instant: number } | undefined {
  let newest: { column: string; instant: number } | undefined;
  for (const { name, type } of frame.schema) {
    const column = frame.column(name);
    if (type !== 'instant' || column.kind === 'text') continue;
    for (const instant of column.values) if (instant > (newest?.instant ?? -Infinity)) newest = { column: name, instant };
  }
  return newest;
}

function futureCheck(frame: Frame, now: number): QualityCheck[] {
  return frame.schema.flatMap(({ name, type }): QualityCheck[] => {
    const column = frame.column(name);
    if (type !== 'instant' || column.kind === 'text') return [];
    const failures = collectFailures(frame, name, (row) => (Number.isNaN(column.values[row]) ? undefined : column.values[row] > now));
    return [
      shareCheck(
        `not in the future: ${name}`,
        'warning',
        failures,
        (count) => `${count} values of ${name} lie in the future`,
        `no ${name} lies in the future`,
      ),
    ];
  });
}
