import { Type, type Static } from 'typebox';
import { Actor, Digest, Instant, Measured, Name, oneOf, strict } from './common.ts';
import { ColumnType, TableSchema } from './table-schema.ts';

export const DatasetFile = strict({
  path: Type.String(),
  size: Type.Integer(),
  sha256: Digest,
  md5: Type.String({ pattern: '^[0-9a-f]{32}$' }),
});
export type DatasetFile = Static<typeof DatasetFile>;

export const datasetFormats = ['csv', 'parquet', 'jsonl', 'images', 'files', 'rows'] as const;

/** What a dataset version is made of; the digest of its canonical JSON is the version. */
export const DatasetManifest = strict({
  format: oneOf(datasetFormats, { description: '`rows`: made inside the platform, by a split or by appending' }),
  files: Type.Array(DatasetFile, { description: 'the source files as they came' }),
  rowsFile: Type.Optional(DatasetFile),
  rows: Type.Integer(),
  schemaDigest: Digest,
  derivedFrom: Type.Optional(
    strict({
      parents: Type.Array(Digest),
      operation: oneOf(['split', 'append', 'filter', 'quarantine', 'join', 'predict']),
      parameters: Type.Record(Type.String(), Type.Unknown()),
    }),
  ),
});
export type DatasetManifest = Static<typeof DatasetManifest>;

export const DatasetVersion = strict({
  digest: Digest,
  dataset: Name,
  part: Type.Optional(Name),
  manifest: DatasetManifest,
  rowsDigest: Digest,
  schema: TableSchema,
  source: Type.String({ description: 'where the bytes came from, as the user wrote it' }),
  createdAt: Instant,
  createdBy: Actor,
});
export type DatasetVersion = Static<typeof DatasetVersion>;

export const HistogramBin = strict({ low: Type.Number(), high: Type.Number(), count: Type.Integer() });
export const ColumnProfile = strict({
  name: Type.String(),
  type: ColumnType,
  count: Type.Integer(),
  missing: Type.Integer(),
  distinct: Type.Integer(),
  masked: Type.Optional(Type.Boolean({ description: 'personal, and hidden from who asked: no value and no figure of values is shown' })),
  numeric: Type.Optional(
    strict({
      min: Measured,
      max: Measured,
      mean: Measured,
      std: Measured,
      quantiles: Type.Array(strict({ q: Type.Number(), value: Type.Number() })),
      zeros: Type.Integer(),
      negatives: Type.Integer(),
      histogram: Type.Array(HistogramBin),
    }),
  ),
  text: Type.Optional(
    strict({
      top: Type.Array(strict({ value: Type.String(), count: Type.Integer() })),
      minLength: Type.Integer(),
      maxLength: Type.Integer(),
    }),
  ),
  instants: Type.Optional(strict({ first: Type.Optional(Instant), last: Type.Optional(Instant) })),
  association: Type.Optional(
    strict({
      measure: oneOf(['mutual_information', 'pearson', 'cramers_v', 'correlation_ratio']),
      value: Type.Number(),
    }),
  ),
});
export type ColumnProfile = Static<typeof ColumnProfile>;

export const DatasetProfile = strict({
  dataset: Digest,
  rows: Type.Integer(),
  columns: Type.Array(ColumnProfile),
  sampled: Type.Optional(Type.Integer({ description: 'associations were measured on a sample of so many rows; all else is exact' })),
});
export type DatasetProfile = Static<typeof DatasetProfile>;
