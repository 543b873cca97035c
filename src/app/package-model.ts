import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Packaged, PackageFlags } from '#cli';
import {
  buildImage,
  imageName,
  Layout,
  planeRuntime,
  pushImage,
  referenceOf,
  registryCredentials,
  writeArchive,
  writeContainerfile,
} from '#packaging';
import type { PackedModel, PlaneRuntime, Reference } from '#packaging';
import { joinPlane } from './join-plane.ts';
import { packedModel } from './packed-model.ts';

/**
 * Packs a model that lies on this disk, with the data plane that runs here: into an image, which is sent where that is asked for, a folder that
 * Docker builds, or an archive.
 * @param key Ed25519, PEM; absent: nobody signs
 * @throws GyreError INVALID_ARGUMENT for a model that only Python loads, or a folder that holds more than may be given away; NOT_FOUND; ALREADY_EXISTS; FAILED_PRECONDITION; UNAVAILABLE and others as a registry says
 */
export async function packageModel(options: PackageFlags, key: string | undefined): Promise<Packaged> {
  const to = options.push === undefined ? undefined : referenceOf(options.push);
  const { model, pictures } = await packedModel(options);
  const runtime = await planeRuntime(await joinPlane(), { pictures });
  const { containerfile, archive, labels } = options;
  return {
    ...(containerfile === undefined ? {} : { containerfile: await writeContainerfile(containerfile, runtime, model, labels) }),
    ...(archive === undefined ? {} : { archive: await writeArchive(archive, runtime, model) }),
    ...(options.layout === undefined && to === undefined ? {} : { image: await imageOf(options, to, runtime, model, key) }),
  };
}

async function imageOf(
  options: PackageFlags,
  to: Reference | undefined,
  runtime: PlaneRuntime,
  model: PackedModel,
  key: string | undefined,
): Promise<NonNullable<Packaged['image']>> {
  const { environment, insecure, labels, signal } = options;
  await using stack = new AsyncDisposableStack();
  const folder = options.layout ?? (await mkdtemp(join(tmpdir(), 'gyre-image-')));
  if (options.layout === undefined) stack.defer(() => rm(folder, { recursive: true, force: true }));
  const layout = await Layout.open(folder);
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
