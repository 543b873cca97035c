import { posix } from 'node:path';
import type { DatasetFile } from '#contract';
import { createFrame, numberColumn, textColumn } from '#tables';
import type { Frame } from '#tables';

/** The extension of a path in lower case with its dot; `none` where it has none. */
export function extensionOfPath(path: string): string {
  const extension = posix.extname(path).toLowerCase();
  return extension === '' ? 'none' : extension;
}

/** The rows of a dataset of files, one for each; `folder` only where files lie in folders (`.`: not in one of them). */
export function fileFrame(files: readonly DatasetFile[]): Frame {
  const folders = files.map(({ path }) => posix.dirname(path));
  return createFrame([
    { name: 'path', type: 'string', column: textColumn(files.map(({ path }) => path)) },
    ...(folders.some((folder) => folder !== '.') ? [{ name: 'folder', type: 'string' as const, column: textColumn(folders) }] : []),
    { name: 'extension', type: 'string', column: textColumn(files.map(({ path }) => extensionOfPath(path))) },
    { name: 'size', type: 'integer', column: numberColumn(Float64Array.from(files, ({ size }) => size)) },
    { name: 'sha256', type: 'string', column: textColumn(files.map(({ sha256 }) => sha256)) },
    { name: 'md5', type: 'string', column: textColumn(files.map(({ md5 }) => md5)) },
  ]);
}
