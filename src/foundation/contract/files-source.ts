import { Type, type Static } from 'typebox';
import { Digest, strict } from './common.ts';

/** Files of any kind as a dataset: a folder, or one file. */
export const FilesSource = strict({
  files: Type.String({
    minLength: 1,
    description:
      'a folder of files of any kind, or one file, relative to gyre.yaml; what `gyre data add` tracks is kept in the workspace’s cache alone',
  }),
});
export type FilesSource = Static<typeof FilesSource>;

/** The columns of the rows of a dataset of files. */
export const fileColumns: readonly string[] = ['path', 'folder', 'extension', 'size', 'sha256', 'md5'];

/** A file of a dataset version. */
export const VersionFile = strict({
  path: Type.String({ description: 'relative to the source, with /' }),
  size: Type.Integer({ description: 'bytes' }),
  sha256: Digest,
  md5: Type.String({ pattern: '^[0-9a-f]{32}$' }),
  isPicture: Type.Boolean({ description: 'by its name: a thumbnail of it may be asked for' }),
});
export type VersionFile = Static<typeof VersionFile>;

export const VersionFiles = strict({
  items: Type.Array(VersionFile, { description: 'in the order of their paths' }),
  total: Type.Integer({ description: 'files that were asked for' }),
  bytes: Type.Integer({ description: 'of these' }),
  extensions: Type.Array(strict({ extension: Type.String(), files: Type.Integer(), bytes: Type.Integer() }), {
    description: 'of all files of the version, the most files first',
  }),
  masked: Type.Array(Type.String(), { description: 'personal columns that are hidden from who asks' }),
  next: Type.Optional(Type.String()),
});
export type VersionFiles = Static<typeof VersionFiles>;
