export { openData } from './open-data.ts';
export { openLfs } from './lfs/lfs.ts';
export type { LfsRepositories } from './lfs/port.ts';
export { dataMigrations } from './migrations/index.ts';
export type {
  AppendRequest,
  CompareOptions,
  Data,
  DataDeps,
  IngestRequest,
  Ingested,
  QualityRequest,
  RecentProduction,
  RowsRequest,
  SourceFormat,
  SplitRequest,
  ValidationSetRequest,
  VersionList,
} from './port.ts';
export type { Ingestions, IngestionRequest } from './ingestions/port.ts';
export type { ImageIngestRequest, ImageIngested, ImageList, StoredImage } from './image-sets/image-port.ts';
export type { FeasibilityRequest } from './feasibility.ts';
export { imageIngestRequest, isOfImages } from './image-sets/image-request.ts';
export type { FileCatalog, FileList, FilesIngestRequest, StoredFile } from './file-sets/file-port.ts';
export { areFiles } from './file-sets/file-catalog.ts';
export { filesIngestRequest, isOfFiles } from './file-sets/file-request.ts';
export { listImages } from './image-sets/list-images.ts';
export { standingOfFolder, standingOfImages } from './image-sets/image-files.ts';
export { inferFrame } from './schemas/infer.ts';
export { compareFile, inferFile } from './schemas/of-file.ts';
export { importSchema } from './schemas/import/import.ts';
export type { SchemaRequest } from './schemas/of-version.ts';
export { comparedDatasets, projectQuality } from './quality/project-request.ts';
export { declaredColumns, personalColumns } from './personal/personal.ts';
export type { SeenBy } from './personal/personal.ts';
export type { MaskedColumns } from './masking.ts';
export type { RowsBlob, RowsFormat } from './rows-file.ts';
export type { RowsPage, RowsQuery } from './rows-page.ts';
export type { SqlAnswer, SqlQuery } from './sql.ts';
export { validateFrame, validateParquet, violationsOf } from './validate.ts';
export { profileParquet } from './profile.ts';
export { checkTarget } from './target.ts';
export { partRanges, placeOf } from './splits/hash-split.ts';
export type { PartRange } from './splits/hash-split.ts';
export { dataBlobHolders } from './blob-holders.ts';
export type { DatasetSource, DialectSpec } from './sources/source.ts';
export { tableIngestRequest } from './sources/table-request.ts';
export { publicSource, readTable, standsAsRead } from './sources/read-table.ts';
export type { TableDeps, TableRead, TableReading, TableStanding } from './sources/read-table.ts';
export { standingOfFiles } from './sources/read-files.ts';
