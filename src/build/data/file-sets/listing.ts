import { createHash } from 'node:crypto';
import type { DatasetFile } from '#contract';

/** The file of a version that names each of its files, one JSON object a line: `path`, `size`, `sha256`, `md5`. */
export const listingFile = 'files.jsonl';

/** The listing of files, in their order: its bytes and how a manifest names it. */
export function listingOf(files: readonly DatasetFile[]): { readonly bytes: Uint8Array; readonly file: DatasetFile } {
  const lines = files.map(({ path, size, sha256, md5 }) => JSON.stringify({ path, size, sha256, md5 }));
  return sourceFile(listingFile, new TextEncoder().encode(lines.length === 0 ? '' : `${lines.join('\n')}\n`));
}

/** Bytes as a file of a manifest. */
export function sourceFile(path: string, bytes: Uint8Array): { readonly bytes: Uint8Array; readonly file: DatasetFile } {
  const digest = (algorithm: string): string => createHash(algorithm).update(bytes).digest('hex');
  return { bytes, file: { path, size: bytes.byteLength, sha256: digest('sha256'), md5: digest('md5') } };
}
