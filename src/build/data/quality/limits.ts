import type { CheckLimits, QualityCheck, QualityOutcome } from '#contract';

/** What a check finds, before it is held against its limits. */
export type Finding = Omit<QualityCheck, 'outcome'>;

/** Any failing row fails the check. */
export const strictly: CheckLimits = { fail: 1 };
/** Any failing row is a warning. */
export const warning: CheckLimits = { warn: 1 };
/** A figure to know, never a verdict. */
export const never: CheckLimits = {};

/** Limits for checks and characteristics by name; a name that ends in `*` stands for all that begin so. Later entries win. */
export type LimitEntry = readonly [name: string, limits: CheckLimits];

/** How a score stands against its limits. */
export function outcomeOf(score: number | null, { warn, fail }: CheckLimits): QualityOutcome {
  if (score === null) return 'unmeasured';
  if (fail !== undefined && score < fail) return 'fail';
  return warn !== undefined && score < warn ? 'warn' : 'pass';
}

/** The limits that hold for a name: its own unless an entry says otherwise. */
export function limitsFor(name: string, own: CheckLimits, entries: readonly LimitEntry[]): CheckLimits {
  const matches = (pattern: string): boolean => (pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern);
  return entries.findLast(([pattern]) => matches(pattern))?.[1] ?? own;
}

/** Holds a finding against the limits that hold for it. */
export function judged(finding: Finding, entries: readonly LimitEntry[] = []): QualityCheck {
  const limits = limitsFor(finding.name, finding.limits, entries);
  return { ...finding, limits, outcome: outcomeOf(finding.score, limits) };
}

const severities: readonly QualityOutcome[] = ['unmeasured', 'pass', 'warn', 'fail'];

/** The worst of several outcomes; `unmeasured` when none could be judged. */
export function worstOf(outcomes: readonly QualityOutcome[]): QualityOutcome {
  return outcomes.reduce<QualityOutcome>(
    (worst, each) => (severities.indexOf(each) > severities.indexOf(worst) ? each : worst),
    'unmeasured',
  );
}

/** A check that cannot be made, with the reason: its score is unknown, never made up. */
export function unmeasured(name: string, why: string): Finding {
  return { name, score: null, weight: 1, limits: never, message: `not measurable: ${why}`, failing: 0, examples: [] };
}
