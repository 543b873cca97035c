import type { DatasetIngestion } from '#contract';
import type { IngestRequest, Ingested, QualityRequest } from '../port.ts';
import type { FilesIngestRequest } from '../file-sets/file-port.ts';
import type { ImageIngestRequest, ImageIngested } from '../image-sets/image-port.ts';

/** What is to be ingested, and how what came of it is judged. */
export type IngestionRequest = (
  | { readonly table: IngestRequest; readonly images?: undefined; readonly files?: undefined }
  | { readonly images: ImageIngestRequest; readonly table?: undefined; readonly files?: undefined }
  | { readonly files: FilesIngestRequest; readonly table?: undefined; readonly images?: undefined }
) & {
  /** A new version gets a quality report by this; none without it. */
  readonly quality?: QualityRequest;
};

export interface IngestionList {
  readonly dataset?: string;
  /** 100 without it. */
  readonly limit?: number;
  /** `next` of the page before. */
  readonly after?: string;
}

/** Ingestions as they run in the background, and the records that all of them leave. */
export interface Ingestions extends AsyncDisposable {
  /**
   * Begins an ingestion. It is recorded before this returns; `get` tells how far it is, and what came of it.
   * @throws GyreError INVALID_ARGUMENT when nothing says where the rows come from
   */
  start(request: IngestionRequest): Promise<DatasetIngestion>;
  /** What an ingestion of this process gave. @throws what it failed with; GyreError NOT_FOUND, CANCELLED */
  wait(id: string): Promise<Ingested | ImageIngested>;
  /** @throws GyreError NOT_FOUND */
  get(id: string): Promise<DatasetIngestion>;
  /** Newest first: where the rows came from, and what came of it. */
  list(options?: IngestionList): Promise<{ readonly items: readonly DatasetIngestion[]; readonly next?: string }>;
  /** Asks one to stop; one that has ended stays as it is. What was read is not read again. @throws GyreError NOT_FOUND */
  cancel(id: string): Promise<DatasetIngestion>;
  /** Tells of each ingestion when it begins, now and then how far it is, and when it has ended. @returns a function that ends it */
  watch(tell: (ingestion: DatasetIngestion) => void): () => void;
  /** Records that those which no process works on any more have failed. @returns how many */
  endAbandoned(): Promise<number>;
}
