import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GyreError, systemClock } from '#core';
import type { PackageFlags } from '#cli';
import { buildImage, imageName, Layout, planeRuntime, pushImage, referenceOf, registryCredentials } from '#packaging';
import type { BuiltImage, PackedModel, PushedImage } from '#packaging';
import { localModels } from '#serving';
import { joinPlane } from './join-plane.ts';

/**
 * Packs a model that lies on this disk, with the data plane that runs here, into an image, and sends it where that is asked for.
 * @param key Ed25519, PEM; absent: nobody signs
 * @throws GyreError INVALID_ARGUMENT for a model that only Python loads; NOT_FOUND; FAILED_PRECONDITION; UNAVAILABLE and others as a registry says
 */
export async function packageImage(
  options: PackageFlags,
  key: string | undefined,
): Promise<BuiltImage & { readonly pushed?: PushedImage }> {
  const { environment, insecure, labels, push, signal } = options;
  const to = push === undefined ? undefined : referenceOf(push);
  const { model, pictures } = await packedModel(options);
  await using stack = new AsyncDisposableStack();
  const folder = options.layout ?? (await mkdtemp(join(tmpdir(), 'gyre-image-')));
  if (options.layout === undefined) stack.defer(() => rm(folder, { recursive: true, force: true }));
  const layout = await Layout.open(folder);
  const runtime = await planeRuntime(await joinPlane(), { pictures });
  const built = await buildImage(layout, runtime, model, {
    name: options.name ?? (to === undefined ? imageName(model) : `${to.repository}:${to.tag}`),
    ...(to === undefined ? {} : { signedAs: to.name }),
    ...(key === undefined ? {} : { key }),
    ...(labels === undefined ? {} : { labels }),
  });
  if (to === undefined) return built;
  const credentials = await registryCredentials(to.host, environment);
  const pushed = await pushImage(layout, await layout.find(built.name), to, {
    signal,
    ...(insecure === true ? { insecure } : {}),
    ...(credentials === undefined ? {} : { credentials }),
  });
  return { ...built, pushed };
}

async function packedModel({ place, model: named }: PackageFlags): Promise<{ readonly model: PackedModel; readonly pictures: boolean }> {
  const { manifest } = await localModels([place], systemClock);
  const [found] = manifest.models;
  if (found === undefined) throw new GyreError('NOT_FOUND', `there is no model at ${place}`);
  if (found.python !== undefined)
    throw new GyreError('INVALID_ARGUMENT', `${place} has no ONNX graph, and an image has no Python: gyre convert makes a graph of it`, {
      place,
    });
  const files = await Promise.all(found.files.map(async (file) => ({ ...file, file: await placeOf(place, file.path) })));
  return {
    model: { name: found.name, digest: found.package, files, ...named },
    pictures: found.signature.inputs.some(({ image }) => image !== undefined),
  };
}

/** A graph alone may have any name where it lies; in a package it is `model.onnx`. */
async function placeOf(place: string, path: string): Promise<string> {
  if ((await stat(place)).isFile()) return place;
  const names = await readdir(place);
  const graph = names.find((name) => name.endsWith('.onnx'));
  return path === 'model.onnx' && !names.includes(path) && graph !== undefined ? join(place, graph) : join(place, path);
}
