import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import type { PackageFile } from '#contract';
import { digestOf, GyreError, messageOf, systemClock } from '#core';
import type { PackageFlags } from '#cli';
import type { PackedModel } from '#packaging';
import { localModels } from '#serving';

/** What goes into an image. */
interface ToPack {
  readonly model: PackedModel;
  /** Whether it takes pictures, which have to be decoded. */
  readonly pictures: boolean;
}

type Registered = NonNullable<PackageFlags['model']>;

/** Larger files are no keys. */
const largestKeyBytes = 64 * 1024;

/**
 * What of a model on this disk goes into an image: a graph alone, or all of a package folder but what has a name that begins with a dot, such as
 * `.env` and `.git`. A registered version is packed as it was registered.
 * @throws GyreError NOT_FOUND; DATA_LOSS when the files are not those that were registered; INVALID_ARGUMENT for a model that only Python loads, and for a folder that
 *   holds the layout that is written, images or a private key
 */
export async function packedModel({ place, model: named, layout }: Pick<PackageFlags, 'place' | 'model' | 'layout'>): Promise<ToPack> {
  if (named !== undefined) await requireRegistered(place, named);
  else if (layout !== undefined) await requireBeside(place, layout);
  const { manifest } = await localModels([place], systemClock);
  const [found] = manifest.models;
  if (found === undefined) throw new GyreError('NOT_FOUND', `there is no model at ${place}`);
  if (found.python !== undefined)
    throw new GyreError('INVALID_ARGUMENT', `${place} has no ONNX graph, and an image has no Python: gyre convert makes a graph of it`, {
      place,
    });
  const listed = named === undefined ? found.files.filter(({ path }) => !isHidden(path)) : found.files;
  const files = await Promise.all(listed.map(async (file) => ({ ...file, file: await placeOf(place, file.path) })));
  if (named === undefined) for (const { file, size } of files) await requirePublic(file, size);
  return {
    model:
      named === undefined
        ? { name: found.name, digest: packageDigest(listed), files }
        : { name: named.name, version: named.version, modelVersion: named.modelVersion, digest: named.package, files },
    pictures: found.signature.inputs.some(({ image }) => image !== undefined),
  };
}

const packageDigest = (files: readonly PackageFile[]): string => digestOf({ format: 'gyre.package.v1', files });

/** What was fetched may have been cut off or changed on its way: the image would bear the name of what it does not hold. */
async function requireRegistered(place: string, { name, version, package: digest, files }: Registered): Promise<void> {
  const lost = (what: string): GyreError =>
    new GyreError('DATA_LOSS', `${name} version ${version} did not come as it was registered: ${what}`, { digest });
  if (packageDigest(files) !== digest) throw lost(`its list of files does not have the digest ${digest}`);
  for (const { path, digest: wanted } of files) {
    const hash = createHash('sha256');
    try {
      for await (const chunk of createReadStream(join(place, path))) hash.update(chunk as Buffer);
    } catch (error) {
      throw lost(`${path} cannot be read: ${messageOf(error)}`);
    }
    const found = hash.digest('hex');
    if (found !== wanted) throw lost(`the SHA-256 of ${path} is ${found}, not ${wanted}`);
  }
}

const isHidden = (path: string): boolean => path.split('/').some((part) => part.startsWith('.'));

/** An image that is written among what it is made of would be part of the next one. */
async function requireBeside(place: string, layout: string): Promise<void> {
  const way = relative(await realPlace(place), await realPlace(layout)).replaceAll(sep, '/');
  if (way.split('/')[0] === '..' || isHidden(way)) return;
  throw new GyreError('INVALID_ARGUMENT', `${layout} lies in ${place}, all of which is packed: name a folder beside it`, { place, layout });
}

/** Without links, also of what is not there yet. */
async function realPlace(path: string): Promise<string> {
  return realpath(path).catch(async (error: unknown) => {
    if (dirname(path) === path) throw error;
    return join(await realPlace(dirname(path)), basename(path));
  });
}

async function requirePublic(file: string, size: number): Promise<void> {
  if (basename(file) === 'oci-layout')
    throw new GyreError('INVALID_ARGUMENT', `${dirname(file)} holds images, and would be packed with the model: put it elsewhere`, {
      file,
    });
  if (size <= largestKeyBytes && /-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(await readFile(file, 'latin1')))
    throw new GyreError('INVALID_ARGUMENT', `${file} is a private key, and would be packed with the model: put it elsewhere`, { file });
}

/** A graph alone may have any name where it lies; in a package it is `model.onnx`. */
async function placeOf(place: string, path: string): Promise<string> {
  if ((await stat(place)).isFile()) return place;
  const names = await readdir(place);
  const graph = names.find((name) => name.endsWith('.onnx'));
  return path === 'model.onnx' && !names.includes(path) && graph !== undefined ? join(place, graph) : join(place, path);
}
