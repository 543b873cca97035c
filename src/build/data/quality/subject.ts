import type { DatasetVersion } from '#contract';
import type { Frame } from '#tables';
import type { ImageChecks } from '../image-sets/image-checks.ts';
import type { QualityRequest } from '../port.ts';
import type { Dealer } from '../splits/deal.ts';
import type { Batches } from './batches.ts';
import type { Collector } from './collector.ts';
import type { FailureLog } from './failure-log.ts';
import { limitsFor } from './limits.ts';
import type { Finding, LimitEntry } from './limits.ts';
import type { MaskedColumns } from '../masking.ts';
import { tally } from './row-check.ts';
import type { RowCheck } from './row-check.ts';
import type { HashIndex } from './row-hash.ts';

/** What the checks look at. */
export interface QualitySubject {
  readonly version: DatasetVersion;
  /** All rows. */
  readonly batches: Batches;
  /** The rows themselves, or a sample of them where there are too many for checks that need them side by side. */
  readonly sample: Frame;
  readonly request: Omit<QualityRequest, 'by'>;
  /** Whom the rows stand for. */
  readonly populations: readonly Population[];
  readonly masked: MaskedColumns;
  /** Now, UTC milliseconds. */
  readonly now: number;
  /** Whether the stored bytes of rows and source still have their digests; with words for the case that they have not. */
  readonly stored: { readonly intact: boolean; readonly message: string };
  /** Limits that win over the checks' own. */
  readonly limits: readonly LimitEntry[];
  /** Takes the rows that fail a check with a limit to fail, where they are to be set aside. */
  readonly log?: FailureLog;
  /** What a model says of the labels. */
  readonly labels: readonly Finding[];
  /** Rows that nearly repeat others. */
  readonly near: readonly Finding[];
  /** Of rows that are images: what was found by looking at them as such. */
  readonly images: ImageChecks;
  /** Where a split was named. */
  readonly sides?: SidesToCome | undefined;
  /** What the schema refers to, by `lookupKey`. */
  readonly lookups: ReadonlyMap<string, Lookup>;
}

/** Rows that show a population, by a name to speak of; or why there are none. */
export type Population = { readonly name: string } & ({ readonly frame: Frame } | { readonly missing: string });

/** How the rows will be dealt, or why that cannot be said. */
export type SidesToCome =
  | {
      readonly dealer: Dealer;
      /** How many parts there are. */
      readonly parts: number;
      /** The parts, then the validation sets. */
      readonly names: readonly string[];
    }
  | { readonly missing: string };

/** The values that a reference may have. */
export type Lookup = { readonly values: HashIndex; readonly version: string } | { readonly missing: string };

/** A finding made on the sample says so. */
export function onSample({ sample, batches }: Pick<QualitySubject, 'sample' | 'batches'>, finding: Finding): Finding {
  return sample.rows === batches.rows ? finding : { ...finding, sampled: sample.rows };
}

/** Counts what fails a check; rows that are to be set aside for it are logged. */
export function judgedRows({ masked, limits, log }: QualitySubject, check: RowCheck): Collector {
  const { fail } = limitsFor(check.name, check.limits, limits);
  const isBlame = fail !== undefined && (check.blamesRow === 'when_every_row_must_pass' ? fail === 1 : check.blamesRow !== false);
  if (isBlame) log?.expect(check.name);
  return tally(check, masked, log && isBlame ? (failing, row) => log.add(failing.name, row) : undefined);
}
