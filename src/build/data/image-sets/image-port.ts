import type { Actor, ImageCounts, TableSchema } from '#contract';
import type { Sha256 } from '#core';
import type { ImageFormat } from '#images';
import type { MaskedColumns } from '../masking.ts';
import type { Ingested } from '../port.ts';
import type { LabelsSource } from './read-labels.ts';

export interface ImageIngestRequest {
  readonly dataset: string;
  /** The folder of images, absolute. */
  readonly folder: string;
  /** A CSV of labels; without it an image's label is the folder that it lies in. */
  readonly labels?: LabelsSource;
  /** The source as the user wrote it, for the record. */
  readonly source: string;
  readonly key?: string;
  readonly target?: string;
  /** The reviewed schema that the rows are held against. */
  readonly expect?: TableSchema;
  /** Keeps the rows for which this comparison holds. */
  readonly where?: string;
  readonly by: Actor;
  /** Told now and then how many images are done. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Stops between two files; what was read until then is not read again. */
  readonly signal?: AbortSignal;
}

export interface ImageIngested extends Ingested {
  /** What was found in the folder, and what of it had to be read in this call. */
  readonly images: ImageCounts;
}

export interface ImageList {
  readonly label?: string;
  /** The name of a check: only the images to look at for it, in its groups. */
  readonly check?: string;
  /** 100 without it. */
  readonly limit?: number;
  /** `next` of the page before. */
  readonly after?: string;
  /** Columns that the reader may not see: `path` and `label` are then hidden. */
  readonly masked?: MaskedColumns;
}

/** The bytes of an image or of its thumbnail. */
export interface StoredImage {
  readonly digest: Sha256;
  /** Of the content; null where it is none that is known. */
  readonly format: ImageFormat | null;
  readonly bytes: Uint8Array | AsyncIterable<Uint8Array>;
  /** Bytes. */
  readonly size?: number;
}
