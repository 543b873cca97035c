import { Type, type Static } from 'typebox';
import { Id, Instant, Name, strict } from './common.ts';
import { DatasetVersion } from './dataset.ts';
import { QualityMark, QualityOutcome } from './quality.ts';

/** A dataset as a list shows it: how many versions, the newest of them, and how good that one is. */
export const DatasetSummary = strict({
  dataset: Name,
  versions: Type.Integer({ description: 'without the parts of splits' }),
  firstAt: Instant,
  newest: DatasetVersion,
  quality: Type.Optional(
    strict({
      report: Id,
      outcome: QualityOutcome,
      violations: Type.Integer(),
      warnings: Type.Integer(),
      scores: Type.Array(QualityMark),
    }),
  ),
});
export type DatasetSummary = Static<typeof DatasetSummary>;
