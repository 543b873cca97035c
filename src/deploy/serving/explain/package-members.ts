import type { ManifestModel } from '#contract';
import type { PackageSource } from '../package-source.ts';

/** A file of a package; undefined where it has none of this path. @throws GyreError NOT_FOUND or DATA_LOSS when it cannot be read */
export async function packageBytes(source: PackageSource, { files }: ManifestModel, path: string): Promise<Uint8Array | undefined> {
  const file = files.find((member) => member.path === path);
  return file === undefined ? undefined : source.read(file);
}

/** As `packageBytes`, as text. */
export async function packageText(source: PackageSource, entry: ManifestModel, path: string): Promise<string | undefined> {
  const bytes = await packageBytes(source, entry, path);
  return bytes === undefined ? undefined : Buffer.from(bytes).toString('utf8');
}
