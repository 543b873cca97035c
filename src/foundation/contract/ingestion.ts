import { Type, type Static } from 'typebox';
import { Actor, Digest, Id, Instant, Name, oneOf, strict } from './common.ts';

export const sourceKinds = ['file', 'files', 'url', 'sqlite', 'excel', 'postgres', 'mysql', 'images', 'folder'] as const;
export type SourceKind = (typeof sourceKinds)[number];

/** How a CSV text is written, as it was sniffed or said. */
export const CsvDialect = strict({
  delimiter: Type.String({ description: 'the sign between fields' }),
  decimal: oneOf(['.', ',']),
  lineEnds: oneOf(['lf', 'crlf', 'cr', 'mixed']),
});
export type CsvDialect = Static<typeof CsvDialect>;

/** What was found in a folder of images. */
export const ImageCounts = strict({
  found: Type.Integer(),
  read: Type.Integer({ description: 'because they were new or had changed' }),
  decoded: Type.Integer({ description: 'because their bytes were not known' }),
  unreadable: Type.Integer({ description: 'without pixels' }),
  missing: Type.Integer({ description: 'named by the labels, and not there' }),
  ignored: Type.Record(Type.String(), Type.Integer(), { description: 'extension → files that are no images by their names' }),
  links: Type.Integer({ description: 'links, which are not followed' }),
});
export type ImageCounts = Static<typeof ImageCounts>;

export const ingestionPhases = ['reading', 'judging'] as const;
/** How far an ingestion is. */
export const IngestionProgress = strict({
  phase: oneOf(ingestionPhases, { description: '`judging`: the version is recorded, and its quality report is being made' }),
  done: Type.Optional(Type.Integer({ description: 'of a folder: files that are done' })),
  total: Type.Optional(Type.Integer({ description: 'of a folder: files that there are' })),
  read: Type.Optional(Type.Integer({ description: 'files that were read, because they were new or had changed' })),
  decoded: Type.Optional(Type.Integer({ description: 'images that were decoded, because their bytes were not known' })),
});
export type IngestionProgress = Static<typeof IngestionProgress>;

export const ingestionOutcomes = ['new', 'unchanged', 'failed', 'cancelled'] as const;

/** One reading of a source: where the rows came from, what was found there, and what came of it. */
export const DatasetIngestion = strict({
  id: Id,
  dataset: Name,
  kind: oneOf(sourceKinds),
  address: Type.String({ description: 'where the rows came from; never with a password or another secret in it' }),
  query: Type.Optional(Type.String({ description: 'of a database: what it was asked; of an Excel file: the sheet' })),
  outcome: Type.Optional(
    oneOf(ingestionOutcomes, { description: '`unchanged`: there was nothing new, and no version was made; absent until it is known' }),
  ),
  progress: Type.Optional({ ...IngestionProgress, description: 'how far it is; absent once it has ended' }),
  version: Type.Optional(Digest),
  rows: Type.Optional(Type.Integer({ description: 'rows of the version' })),
  newRows: Type.Optional(Type.Integer({ description: 'rows that were read; with a watermark only those beyond it' })),
  found: strict({
    etag: Type.Optional(Type.String()),
    lastModified: Type.Optional(Type.String()),
    size: Type.Optional(Type.Integer({ description: 'bytes' })),
    modifiedAt: Type.Optional(Instant),
    sha256: Type.Optional(Digest),
    files: Type.Optional(Type.Integer({ description: 'of a source of several files' })),
  }),
  watermark: Type.Optional(
    strict({
      column: Type.String(),
      from: Type.Optional(Type.String({ description: 'only rows beyond this value were read' })),
      to: Type.Optional(Type.String({ description: 'the greatest value there is now' })),
    }),
  ),
  dialect: Type.Optional(CsvDialect),
  kept: Type.Optional(Type.Integer({ description: 'of a folder of files: those that are in the workspace’s cache, and were not copied' })),
  images: Type.Optional({ ...ImageCounts, description: 'of a folder of images' }),
  violations: Type.Optional(Type.Array(Type.String(), { description: 'what does not hold of the reviewed schema' })),
  error: Type.Optional(Type.String({ description: 'why it failed' })),
  code: Type.Optional(Type.String({ description: 'canonical error code of why it failed' })),
  startedAt: Instant,
  finishedAt: Type.Optional(Instant),
  by: Actor,
});
export type DatasetIngestion = Static<typeof DatasetIngestion>;
