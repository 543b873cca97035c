import { Type, type Static } from 'typebox';
import { Actor, Digest, Id, Instant, Interval, Measured, Name, oneOf, strict } from './common.ts';

export const columnTypes = ['integer', 'number', 'boolean', 'string', 'instant'] as const;
export const ColumnType = oneOf(columnTypes);
export type ColumnType = Static<typeof ColumnType>;

/** What is expected of one column: the reviewed schema file holds a list of these. */
export const ColumnSchema = strict({
  name: Type.String({ minLength: 1 }),
  type: ColumnType,
  description: Type.Optional(Type.String()),
  nullable: Type.Optional(Type.Boolean({ description: 'default: true' })),
  unique: Type.Optional(Type.Boolean()),
  min: Type.Optional(Type.Number()),
  max: Type.Optional(Type.Number()),
  categories: Type.Optional(Type.Array(Type.String(), { description: 'the only values allowed' })),
  pattern: Type.Optional(Type.String({ description: 'a regular expression that the whole value matches' })),
  maxMissing: Type.Optional(Type.Number({ minimum: 0, maximum: 1, description: 'largest share of missing values' })),
});
export type ColumnSchema = Static<typeof ColumnSchema>;

export const TableSchema = strict({
  columns: Type.Array(ColumnSchema, { minItems: 1 }),
  rules: Type.Optional(Type.Array(Type.String(), { description: 'comparisons between columns, such as "TotalCharges >= MonthlyCharges"' })),
});
export type TableSchema = Static<typeof TableSchema>;

export const DatasetFile = strict({
  path: Type.String(),
  size: Type.Integer(),
  sha256: Digest,
  md5: Type.String({ pattern: '^[0-9a-f]{32}$' }),
});
export type DatasetFile = Static<typeof DatasetFile>;

export const datasetFormats = ['csv', 'parquet', 'jsonl', 'rows'] as const;

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
      operation: oneOf(['split', 'append', 'filter']),
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

export const DatasetProfile = strict({ dataset: Digest, rows: Type.Integer(), columns: Type.Array(ColumnProfile) });
export type DatasetProfile = Static<typeof DatasetProfile>;

export const qualityCharacteristics = ['accuracy', 'completeness', 'reliability', 'relevance', 'timeliness'] as const;
export const FailingExample = strict({
  row: Type.Optional(Type.Integer({ description: 'row number in the source, the header being line 1' })),
  column: Type.Optional(Type.String()),
  value: Type.Union([Type.String(), Type.Number(), Type.Null()]),
});
export type FailingExample = Static<typeof FailingExample>;
export const QualityCheck = strict({
  name: Type.String(),
  score: Type.Union([Type.Number({ minimum: 0, maximum: 1 }), Type.Null()], { description: 'null: not measurable, the message says why' }),
  weight: Type.Number(),
  severity: oneOf(['error', 'warning', 'info']),
  message: Type.String(),
  failing: Type.Integer({ description: 'how many rows or columns fail' }),
  examples: Type.Array(FailingExample),
});
export type QualityCheck = Static<typeof QualityCheck>;
export const QualityReport = strict({
  id: Id,
  dataset: Digest,
  characteristics: Type.Array(
    strict({
      name: oneOf(qualityCharacteristics),
      score: Type.Union([Type.Number({ minimum: 0, maximum: 1 }), Type.Null()]),
      checks: Type.Array(QualityCheck),
    }),
  ),
  violations: Type.Integer({ description: 'checks of severity error that fail' }),
  createdAt: Instant,
});
export type QualityReport = Static<typeof QualityReport>;

export const SplitPart = strict({
  part: Name,
  fraction: Type.Number(),
  version: Digest,
  rows: Type.Integer(),
  targetShare: Type.Optional(Type.Record(Type.String(), strict({ share: Type.Number(), interval: Interval }))),
});
export const Split = strict({
  id: Id,
  dataset: Name,
  version: Digest,
  key: Type.String(),
  salt: Type.String(),
  parts: Type.Array(SplitPart),
  stratification: Type.Optional(strict({ column: Type.String(), pValue: Type.Number(), message: Type.String() })),
  createdAt: Instant,
});
export type Split = Static<typeof Split>;
