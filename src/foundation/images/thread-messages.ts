import type { ErrorCode } from '#core';
import type { ImageHeader, ImageLimits, ImageProblem } from './decode.ts';
import type { ImageMeasures } from './measures.ts';
import type { Raster } from './raster.ts';
import type { ResizeTarget } from './resize.ts';

/** How a file stands on the disk; the same again means that it was not written to since. */
export interface FileStamp {
  /** Bytes. */
  readonly size: number;
  /** Inode, and the times of content and of inode in nanoseconds, in one text. */
  readonly stamp: string;
}

export interface FileRead extends FileStamp {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly sha256: string;
  readonly md5: string;
}

/** What is known of an image when it was looked at. */
export interface ImageFacts extends ImageHeader {
  readonly problem?: ImageProblem;
  readonly error?: string;
  /** Absent where there are no pixels. */
  readonly measures?: ImageMeasures;
}

export type ThreadRequest = { readonly kind: 'stop' } | ThreadJob;

export type ThreadJob = { readonly id: number } & (
  | { readonly kind: 'read'; readonly path: string; readonly maxBytes: number }
  | { readonly kind: 'examine'; readonly bytes: Uint8Array; readonly limits: ImageLimits }
  | { readonly kind: 'pixels'; readonly bytes: Uint8Array; readonly limits: ImageLimits; readonly target: ResizeTarget }
);

export type ThreadReply = { readonly id: number } & (
  | { readonly kind: 'read'; readonly file: FileRead }
  | { readonly kind: 'facts'; readonly facts: ImageFacts }
  | { readonly kind: 'pixels'; readonly raster: Raster }
  | { readonly kind: 'failure'; readonly code: ErrorCode; readonly message: string; readonly problem?: ImageProblem }
);
