import { relative, resolve } from 'node:path';
import { imageProjectText } from './init-yaml.ts';
import { writeProjectFiles } from './init-project.ts';

export interface InitImagesOptions {
  /** Where the project is made; made when missing. */
  readonly folder: string;
  /** The project's name, and its dataset's. */
  readonly name: string;
  readonly dataset: string;
  /** The folder of images: it stays where it is. */
  readonly images: string;
  /** Whether the images lie in a folder for each class. */
  readonly isLabelled: boolean;
  /** Who owns the project, for the charter. */
  readonly owner: string;
  /** Replace files that are there. Default: refuse. */
  readonly overwrite?: boolean;
}

/**
 * Makes a project of a folder of images: a commented gyre.yaml that names the folder.
 * @returns the project's folder, and what was written in it
 * @throws GyreError ALREADY_EXISTS, PERMISSION_DENIED, RESOURCE_EXHAUSTED, INVALID_ARGUMENT as for a project of a table
 */
export async function initImageProject(
  options: InitImagesOptions,
): Promise<{ readonly folder: string; readonly files: readonly string[] }> {
  const folder = resolve(options.folder);
  const { name, dataset, isLabelled, owner } = options;
  const path = relative(folder, resolve(options.images)).split('\\').join('/');
  const text = imageProjectText({ name, dataset, source: path === '' ? './' : `${path}/`, isLabelled, owner });
  return {
    folder,
    files: await writeProjectFiles(folder, { texts: [['gyre.yaml', text]], copies: [], overwrite: options.overwrite ?? false }),
  };
}
