import { readdir } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { GyreError, messageOf } from '#core';
import { formatOfName } from '#images';

/** An image file as the folder names it. */
export interface ListedImage {
  /** Relative to the folder, with `/`. */
  readonly path: string;
  /** The folder that it lies in; null at the top. */
  readonly label: string | null;
  /** What comes before that folder, such as `train`; null when nothing does. */
  readonly folder: string | null;
}

export interface ImageListing {
  /** In the order of their paths, so that the same files are the same rows. */
  readonly images: readonly ListedImage[];
  /** Extension → how many files were left aside because it names no image. */
  readonly ignored: Readonly<Record<string, number>>;
  /** Links, which are not followed. */
  readonly links: readonly string[];
}

/**
 * Lists the image files of a folder and its folders. Hidden files and folders are left out; links are not followed, so that nothing
 * outside of the folder becomes a part of a dataset.
 * @throws GyreError NOT_FOUND, INVALID_ARGUMENT (a file), PERMISSION_DENIED
 */
export async function listImages(root: string): Promise<ImageListing> {
  const images: ListedImage[] = [];
  const ignored: Record<string, number> = {};
  const links: string[] = [];
  const walk = async (folders: readonly string[]): Promise<void> => {
    for (const entry of await entriesOf(join(root, ...folders))) {
      if (entry.name.startsWith('.')) continue;
      const path = [...folders, entry.name].join('/');
      if (entry.name.includes('\uFFFD'))
        throw new GyreError('INVALID_ARGUMENT', `${path}: the file’s name is no valid UTF-8; rename it`, { path });
      if (entry.isSymbolicLink()) links.push(path);
      else if (entry.isDirectory()) await walk([...folders, entry.name]);
      else if (formatOfName(entry.name) !== undefined) images.push({ path, ...placeOf(folders) });
      else {
        const extension = extname(entry.name).toLowerCase() || 'without extension';
        ignored[extension] = (ignored[extension] ?? 0) + 1;
      }
    }
  };
  await walk([]);
  images.sort((left, right) => (left.path < right.path ? -1 : left.path > right.path ? 1 : 0));
  return { images, ignored, links };
}

function placeOf(folders: readonly string[]): Pick<ListedImage, 'label' | 'folder'> {
  return { label: folders.at(-1) ?? null, folder: folders.length > 1 ? folders.slice(0, -1).join('/') : null };
}

async function entriesOf(path: string) {
  try {
    return await readdir(path, { withFileTypes: true });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') throw new GyreError('NOT_FOUND', `there is no folder ${path}`, { path }, { cause: error });
    if (code === 'ENOTDIR')
      throw new GyreError('INVALID_ARGUMENT', `${path} is a file; a folder of images is needed`, { path }, { cause: error });
    if (code === 'EACCES')
      throw new GyreError('PERMISSION_DENIED', `${path} cannot be read: ${messageOf(error)}`, { path }, { cause: error });
    throw error;
  }
}
