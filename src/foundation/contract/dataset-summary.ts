import { Type, type Static } from 'typebox';
import { Id, Instant, Name, strict } from './common.ts';
import { DatasetVersion } from './dataset.ts';
import { qualityCharacteristics } from './quality.ts';

const Score = Type.Union([Type.Number({ minimum: 0, maximum: 1 }), Type.Null()], { description: 'null: not measurable' });

/** A dataset as a list shows it: how many versions, the newest of them, and how good that one is. */
export const DatasetSummary = strict({
  dataset: Name,
  versions: Type.Integer({ description: 'without the parts of splits' }),
  firstAt: Instant,
  newest: DatasetVersion,
  quality: Type.Optional(
    strict({
      report: Id,
      violations: Type.Integer(),
      scores: Type.Object(Object.fromEntries(qualityCharacteristics.map((name) => [name, Score])), { additionalProperties: false }),
    }),
  ),
});
export type DatasetSummary = Static<typeof DatasetSummary>;
