import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PackageFlags } from '#cli';
import { buildImage, imageName, Layout, planeRuntime, pushImage, referenceOf, registryCredentials } from '#packaging';
import type { BuiltImage, PushedImage } from '#packaging';
import { joinPlane } from './join-plane.ts';
import { packedModel } from './packed-model.ts';

/**
 * Packs a model that lies on this disk, with the data plane that runs here, into an image, and sends it where that is asked for.
 * @param key Ed25519, PEM; absent: nobody signs
 * @throws GyreError INVALID_ARGUMENT for a model that only Python loads, or a folder that holds more than may be given away; NOT_FOUND; FAILED_PRECONDITION; UNAVAILABLE and others as a registry says
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
