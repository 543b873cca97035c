import type { DatasetComparison, DatasetVersion } from '#contract';
import { asSha256 } from '#core';
import { fileChanges } from '../file-sets/file-changes.ts';
import { splitsOf } from '../splits/splits-store.ts';
import type { CompareOptions, DataDeps } from '../port.ts';
import { findVersion } from '../versions.ts';
import { compareVersions } from './compare.ts';
import type { ComparedVersion } from './compare.ts';

const examplesShown = 10;

/** See `Data.compare`. */
export async function compare(deps: DataDeps, from: string, to: string, options: CompareOptions = {}): Promise<DatasetComparison> {
  const [before, after] = [await opened(deps, from), await opened(deps, to)];
  const key =
    options.key ??
    (await knownKey(deps, [after.version, before.version])) ??
    (options.usualKey === undefined ? undefined : [options.usualKey]);
  const masked = options.masked ?? new Set<string>();
  const files = await fileChanges(deps, before.version, after.version, masked);
  const compared = await compareVersions(before, after, {
    ...(key === undefined ? {} : { key }),
    isKeyAsked: options.key !== undefined,
    examples: options.examples ?? examplesShown,
    masked,
    ...(options.cellsPerPass === undefined ? {} : { cellsPerPass: options.cellsPerPass }),
  });
  return files === undefined ? compared : { ...compared, files };
}

async function opened(deps: DataDeps, digest: string): Promise<ComparedVersion> {
  const version = await findVersion(deps, digest);
  return { version, path: await deps.blobs.localPath(asSha256(version.rowsDigest), { verify: true }) };
}

/** The key by which a version, or the whole that it is a part of, was split. */
async function knownKey({ store }: DataDeps, versions: readonly DatasetVersion[]): Promise<readonly string[] | undefined> {
  for (const { digest, manifest } of versions) {
    const own = manifest.derivedFrom?.parameters.key;
    if (manifest.derivedFrom?.operation === 'split' && typeof own === 'string') return [own];
    const [split] = await store.read((db) => splitsOf(db, digest));
    if (split?.key !== undefined) return [split.key];
  }
  return undefined;
}
