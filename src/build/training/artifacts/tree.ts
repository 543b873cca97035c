import type { ArtifactFile } from '#contract';
import { GyreError, asSha256 } from '#core';
import { pageSize } from '../paging.ts';
import { GroupedWrites } from '../grouped-writes.ts';
import { entriesOf, entryAt, filesBelow, nameFiles, removeAt } from './artifacts-store.ts';
import type { NamedFile } from './artifacts-store.ts';
import { placeOf, requireArtifactPath } from './paths.ts';
import type { ArtifactTree } from './port.ts';
import { openUploads } from './uploads.ts';
import type { UploadsDeps } from './uploads.ts';

const mostEntries = 50_000;

/** Opens the tree over a migrated store. */
export function openArtifactTree(deps: UploadsDeps): ArtifactTree {
  const { store, blobs, clock } = deps;
  // A run leaves many files in one folder at the same time: on a database with many writers their names would meet on the same pages.
  const names = new GroupedWrites<NamedFile>({ store, writeAll: (files) => store.write(nameFiles, files) });
  const folderOf = (folder: string): string => (folder === '' ? '' : requireArtifactPath(folder));
  return {
    async put(path, bytes) {
      requireArtifactPath(path);
      const { digest, size } = await blobs.put(bytes);
      const file: ArtifactFile = { path, digest, size };
      await names.write({ file, at: clock.now() });
      return file;
    },
    async stat(path) {
      const place = placeOf(requireArtifactPath(path));
      return store.read((db) => entryAt(db, place));
    },
    async open(path, range) {
      const place = placeOf(requireArtifactPath(path));
      const entry = await store.read((db) => entryAt(db, place));
      if (entry === undefined) throw new GyreError('NOT_FOUND', `there is no artifact "${path}"`, { path });
      if (entry.kind === 'folder') throw new GyreError('INVALID_ARGUMENT', `"${path}" is a folder: name a file in it`, { path });
      return blobs.open(asSha256(entry.digest), range);
    },
    async list(folder, { limit, after } = {}) {
      const size = pageSize(limit, 1000, mostEntries);
      const within = folderOf(folder);
      const rows = await store.read((db) => entriesOf(db, within, size + 1, after));
      const items = rows.slice(0, size);
      const last = items.at(-1);
      return { items, ...(rows.length > size && last !== undefined ? { next: placeOf(last.path).name } : {}) };
    },
    async files(folder, { limit, after } = {}) {
      const size = pageSize(limit, 1000, mostEntries);
      const within = folderOf(folder);
      const rows = await store.read((db) => filesBelow(db, within, size + 1, after === undefined ? undefined : placeOf(after)));
      const items = rows.slice(0, size);
      const last = items.at(-1);
      return { items, ...(rows.length > size && last !== undefined ? { next: last.path } : {}) };
    },
    delete: async (path) => store.write(removeAt, requireArtifactPath(path)),
    uploads: openUploads(deps),
  };
}
