import { Type, type Static } from 'typebox';
import { Actor, Digest, Id, Instant, Name, oneOf, strict } from './common.ts';

export const sourceKinds = ['file', 'files', 'url', 'sqlite', 'excel', 'postgres', 'mysql'] as const;
export type SourceKind = (typeof sourceKinds)[number];

/** How a CSV text is written, as it was sniffed or said. */
export const CsvDialect = strict({
  delimiter: Type.String({ description: 'the sign between fields' }),
  decimal: oneOf(['.', ',']),
  lineEnds: oneOf(['lf', 'crlf', 'cr', 'mixed']),
});
export type CsvDialect = Static<typeof CsvDialect>;

/** One reading of a source: where the rows came from, what was found there, and what came of it. */
export const DatasetIngestion = strict({
  id: Id,
  dataset: Name,
  kind: oneOf(sourceKinds),
  address: Type.String({ description: 'where the rows came from; never with a password or another secret in it' }),
  query: Type.Optional(Type.String({ description: 'of a database: what it was asked; of an Excel file: the sheet' })),
  outcome: oneOf(['new', 'unchanged', 'failed'], { description: '`unchanged`: there was nothing new, and no version was made' }),
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
  error: Type.Optional(Type.String({ description: 'why it failed' })),
  startedAt: Instant,
  finishedAt: Instant,
  by: Actor,
});
export type DatasetIngestion = Static<typeof DatasetIngestion>;
