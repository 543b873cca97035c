import type { Alert, IntegrityFinding, Interval } from '#contract';

/** A metric on actuals whose interval lies wholly on the wrong side of its threshold. */
export interface PerformanceFinding {
  readonly metric: string;
  readonly value: number;
  readonly interval: Interval;
  readonly limit: number;
  /** Whether values should be at least the limit; else at most. */
  readonly atLeast: boolean;
  /** As windows and alerts show it: `>= 0.734 (0.9 of test)`. */
  readonly threshold: string;
}

export interface DriftFinding {
  /** The drifted columns, the most moved first. */
  readonly columns: Alert['columns'];
  /** How many were looked at. */
  readonly of: number;
}

/** What is wrong in one window, or in the windows of an alert together; empty when nothing is. */
export interface Findings {
  readonly performance?: PerformanceFinding;
  readonly drift?: DriftFinding;
  readonly predictionDrift?: { readonly psi: number };
  readonly integrity?: readonly IntegrityFinding[];
  readonly latency?: { readonly p99Ms: number; readonly limitMs: number };
  /** No finding, but what a sentence about drift has to say beside it: the metrics that still hold. */
  readonly holds?: readonly { readonly metric: string; readonly value: number; readonly threshold: string }[];
  /** Least PSI and greatest adjusted p-value that count, as they were then. */
  readonly limits: { readonly psi: number; readonly alpha: number };
}

/** The gravest kind that findings speak of; undefined when nothing is wrong. */
export function gravest(findings: Findings): Alert['kind'] | undefined {
  if (findings.performance !== undefined) return 'performance';
  if (findings.drift !== undefined) return 'drift';
  if (findings.predictionDrift !== undefined) return 'prediction_drift';
  if (findings.integrity !== undefined) return 'integrity';
  if (findings.latency !== undefined) return 'latency';
  return undefined;
}
