import type { DatasetVersion, QualityCheck } from '#contract';
import type { Frame } from '#tables';
import type { QualityRequest } from './port.ts';

/** What the checks look at. */
export interface QualitySubject {
  readonly version: DatasetVersion;
  readonly frame: Frame;
  readonly request: Omit<QualityRequest, 'by'>;
  /** Now, UTC milliseconds. */
  readonly now: number;
  /** Whether the stored bytes of rows and source still have their digests; with words for the case that they have not. */
  readonly stored: { readonly intact: boolean; readonly message: string };
}

/** A check that cannot be made, with the reason: its score is unknown, never made up. */
export function unmeasured(name: string, why: string): QualityCheck {
  return { name, score: null, weight: 1, severity: 'info', message: `not measurable: ${why}`, failing: 0, examples: [] };
}
