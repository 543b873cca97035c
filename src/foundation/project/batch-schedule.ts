import type { BatchRequestBody, BatchScheduleSpec, ServeSpec } from '#contract';
import { GyreError } from '#core';
import { parsed } from './check-context.ts';
import type { Finding } from './problems.ts';
import { nextInstant } from './schedule.ts';

/** What stands for the instants of a run in a request that is run by the clock. */
export const placeholders = ['date', 'time', 'since', 'until'] as const;
/** Those that are others at each run. */
const moving = /\{(?:date|time|until)\}/;
/** Any instant will do: whether a pattern can be read does not depend on it. */
const someInstant = Date.UTC(2026, 0, 1);

/** A batch prediction by the clock. */
export interface ResolvedBatchSchedule {
  readonly name: string;
  readonly cron: string;
  /** An IANA name. */
  readonly timezone: string;
  readonly request: BatchRequestBody;
}

/** @param environment where the model is live that is meant when none is named */
export function resolveBatchSchedules(batch: ServeSpec['batch'], environment: string | undefined): readonly ResolvedBatchSchedule[] {
  return Object.entries(batch ?? {}).map(([name, { schedule, model, ...rest }]) => {
    const { cron, timezone = 'UTC' } = typeof schedule === 'string' ? { cron: schedule } : schedule;
    return { name, cron, timezone, request: { ...rest, model: model ?? `environment:${environment ?? 'production'}` } };
  });
}

/**
 * Whether a request can be run again and again.
 * @throws GyreError INVALID_ARGUMENT for an unknown placeholder, and for an output that the second run would be refused
 */
export function requireRepeatable(request: Omit<BatchRequestBody, 'model'>): void {
  for (const place of ['input', 'fromTable', 'output', 'toTable'] as const)
    for (const [, name = ''] of (request[place] ?? '').matchAll(/(?<!\$)\{(\w*)\}/g))
      if (!placeholders.some((each) => each === name))
        throw new GyreError('INVALID_ARGUMENT', `"{${name}}" in ${place} stands for nothing: {date}, {time}, {since} and {until} do`, {
          place,
        });
  const { output, toTable = '', existing = 'refuse' } = request;
  if (output !== undefined && existing === 'refuse' && !moving.test(`${output} ${toTable}`))
    throw new GyreError(
      'INVALID_ARGUMENT',
      `each run writes to ${output}, and the second would find what the first left: say that it is replaced (or, of a table, added to), or put {date} into the name`,
      { output },
    );
}

/** What does not hold in the batch predictions that gyre.yaml has by the clock. */
export function checkBatchSchedules(batch: ServeSpec['batch']): Finding[] {
  return Object.entries(batch ?? {}).flatMap(([name, spec]: [string, BatchScheduleSpec]): Finding[] => {
    const path = ['serve', 'batch', name];
    const { schedule } = spec;
    const next = parsed([...path, 'schedule'], () =>
      nextInstant({ timezone: 'UTC', ...(typeof schedule === 'string' ? { cron: schedule } : schedule) }, someInstant),
    );
    if ('finding' in next) return [next.finding];
    if (next.value === undefined) return [{ path: [...path, 'schedule'], message: 'is never due', suggestion: 'is there such a day?' }];
    const repeatable = parsed(path, () => requireRepeatable(spec));
    return 'finding' in repeatable ? [repeatable.finding] : [];
  });
}
