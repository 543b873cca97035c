import type { Actor, TableSchema } from '#contract';
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
  /** Stops between two files; what was read until then is not read again. */
  readonly signal?: AbortSignal;
}

export interface ImageIngested extends Omit<Ingested, 'ingestion'> {
  readonly images: {
    /** Image files in the folder. */
    readonly found: number;
    /** Of these: read in this call, because they were new or had changed. */
    readonly read: number;
    /** Of these: decoded, because their bytes were not known. */
    readonly decoded: number;
    /** Without pixels. */
    readonly unreadable: number;
    /** Named by the labels, and not there. */
    readonly missing: number;
    /** Extension → files that were left aside because it names no image. */
    readonly ignored: Readonly<Record<string, number>>;
    /** Links, which are not followed. */
    readonly links: number;
  };
}

/** How far an ingest is, while it runs. */
export interface IngestProgress {
  readonly dataset: string;
  /** Images that are done. */
  readonly done: number;
  readonly total: number;
  readonly read: number;
  readonly decoded: number;
  /** ISO 8601. */
  readonly startedAt: string;
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
