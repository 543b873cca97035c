import { readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { ManifestModel, PackageFile, ReleaseManifest, Signature } from '#contract';
import { digestOf, GyreError, isoInstant, messageOf, sha256 } from '#core';
import type { Clock } from '#core';
import { packageOfFolder, requireDigest } from './package-source.ts';
import type { PackageSource } from './package-source.ts';

/** What is known of a graph that nobody has described: callers name its tensors. */
const undescribed: Signature = { task: 'regression', inputs: [], outputs: [], classes: [] };

/** What is served where the models lie, unsigned. */
export interface LocalModels {
  readonly manifest: ReleaseManifest;
  readonly source: PackageSource;
}

interface Found extends Pick<ManifestModel, 'name' | 'signature' | 'package'> {
  readonly files: readonly (PackageFile & { readonly place: string })[];
}

/**
 * A manifest, unsigned, for models on this disk: generation 1 of the environment `local`, no tokens, every prediction logged. The first one
 * answers to the endpoint.
 * @param places `FOLDER` (a package, as `gyre model pull` writes it) or `FILE.onnx` (any graph), each perhaps behind `NAME=`
 * @throws GyreError NOT_FOUND when nothing lies there, INVALID_ARGUMENT when it is no package and no graph, or two have one name
 */
export async function localModels(places: readonly string[], clock: Clock): Promise<LocalModels> {
  const found: Found[] = [];
  for (const place of places) {
    const model = await modelAt(place);
    if (found.some(({ name }) => name === model.name)) {
      throw new GyreError('INVALID_ARGUMENT', `two models are called "${model.name}"; name each: NAME=${place}`, { name: model.name });
    }
    found.push(model);
  }
  const placeOf = new Map(found.flatMap(({ files }) => files.map(({ digest, place }) => [digest, place])));
  return {
    manifest: {
      format: 'gyre.manifest.v1',
      environment: 'local',
      endpoint: found[0]?.name ?? 'local',
      generation: 1,
      models: found.map(({ name, signature, package: digest, files }, at) => ({
        name,
        version: '1',
        modelVersion: digest,
        package: digest,
        files: files.map(({ path, digest: own, size }) => ({ path, digest: own, size })),
        signature,
        weight: at === 0 ? 1 : 0,
      })),
      log: { sample: 1 },
      limits: { maxBodyBytes: 64 * 1024 * 1024, maxRows: 100_000 },
      tokenHashes: [],
      createdAt: isoInstant(clock.now()),
    },
    source: {
      async read(file) {
        const place = placeOf.get(file.digest) ?? file.path;
        return requireDigest(file, await bytesOf(place));
      },
    },
  };
}

async function modelAt(text: string): Promise<Found> {
  const [, given, place = text] = /^([A-Za-z0-9][A-Za-z0-9._-]*)=(.+)$/.exec(text) ?? [];
  const info = await stat(place).catch((error: unknown) => {
    throw new GyreError('NOT_FOUND', `there is no model at ${place}: ${messageOf(error)}`, { place }, { cause: error });
  });
  if (info.isDirectory()) {
    const { name, signature, files } = await packageOfFolder(place, given);
    const placed = files.map((file) => ({ ...file, place: join(place, file.path) }));
    return { name, signature, files: placed, package: digestOf({ format: 'gyre.package.v1', files }) };
  }
  if (!place.endsWith('.onnx'))
    throw new GyreError('INVALID_ARGUMENT', `${place} is no model: a package folder or a file that ends in .onnx is wanted`, { place });
  const bytes = await bytesOf(place);
  const files = [{ path: 'model.onnx', digest: sha256(bytes), size: bytes.length }];
  return {
    name: given ?? (basename(place, '.onnx').replaceAll(/[^A-Za-z0-9._-]/g, '-') || 'model'),
    signature: undescribed,
    package: digestOf({ format: 'gyre.package.v1', files }),
    files: files.map((file) => ({ ...file, place })),
  };
}

async function bytesOf(place: string): Promise<Buffer> {
  return readFile(place).catch((error: unknown) => {
    throw new GyreError('NOT_FOUND', `${place} cannot be read: ${messageOf(error)}`, { place }, { cause: error });
  });
}
