import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createWriteStream } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { BlobStore } from '#blobs';
import type { Actor, ModelImage, ModelVersion } from '#contract';
import { asSha256, type Clock, GyreError, isoInstant, type NewId } from '#core';
import { type ImageRecords, Layout, layoutArchive, openImageRecords, referenceOf } from '#packaging';
import { type DataFolder, signingKey } from './data-folder.ts';
import { packageModel } from './package-model.ts';
import type { PlatformSettings } from './settings.ts';

interface MakeImage {
  readonly version: ModelVersion;
  readonly environment?: string;
  /** Where it is sent. */
  readonly push?: string;
  readonly by: Actor;
}

export interface ModelImages extends Pick<ImageRecords, 'get' | 'list'> {
  /**
   * Makes an image of a version, with the data plane that runs here, keeps it, and sends it where that is asked for. One at a time.
   * @throws GyreError PERMISSION_DENIED for a registry that the settings do not name; FAILED_PRECONDITION; UNAVAILABLE and others as a registry says
   */
  make(request: MakeImage): Promise<ModelImage>;
  /** An image as one archive. @throws GyreError NOT_FOUND */
  archive(id: string): Promise<{ readonly name: string; readonly body: AsyncIterable<Uint8Array> }>;
}

interface ModelImagesDeps {
  readonly records: ImageRecords;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly newId: NewId;
  /** Where images are kept, absolute. */
  readonly folder: string;
  /** Registries that images may be sent to. */
  readonly registries: readonly string[];
  /** Ed25519, PEM. */
  readonly key: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

function openModelImages(deps: ModelImagesDeps): ModelImages {
  const { records, registries, folder } = deps;
  let last: Promise<unknown> = Promise.resolve();
  return {
    get: (id) => records.get(id),
    list: (options) => records.list(options),
    make: async (request) => {
      if (request.push !== undefined) requireAllowed(request.push, registries);
      const made = last.then(() => make(deps, request));
      last = made.catch(() => undefined);
      return made;
    },
    archive: async (id) => {
      const { model, version, digest } = await records.get(id);
      const layout = await Layout.open(folder);
      const image = (await layout.index()).manifests.find((one) => one.digest === digest);
      if (image === undefined) throw new GyreError('NOT_FOUND', `image ${digest} is not kept here any more: make it again`, { id });
      return { name: `${model}-${version}.oci.tar`, body: await layoutArchive(layout, image) };
    },
  };
}

type ImagingRooms = Pick<ModelImagesDeps, 'blobs' | 'clock' | 'newId'> &
  Parameters<typeof openImageRecords>[0] & {
    readonly folder: DataFolder;
    readonly values: PlatformSettings;
  };

/** Images in the data folder, signed with its key, sent to the registries of the settings. */
export function openPlatformImages({ store, events, blobs, clock, newId, folder, values }: ImagingRooms): ModelImages {
  return openModelImages({
    records: openImageRecords({ store, events }),
    blobs,
    clock,
    newId,
    folder: join(folder.path, 'images'),
    registries: values.imageRegistries.split(',').flatMap((host) => (host.trim() === '' ? [] : [host.trim()])),
    key: signingKey(folder).privateKey,
    environment: process.env,
  });
}

async function make(deps: ModelImagesDeps, { version, environment, push, by }: MakeImage): Promise<ModelImage> {
  const { records, clock, newId, folder, key } = deps;
  const { model, version: number, package: digest, files } = version;
  if (digest === undefined) throw new GyreError('FAILED_PRECONDITION', `${model} version ${number} has no files in Gyre`);
  const place = await mkdtemp(join(tmpdir(), 'gyre-package-'));
  try {
    for (const file of files) await writeBlob(deps.blobs, file.digest, join(place, file.path));
    const { image } = await packageModel(
      {
        place,
        layout: folder,
        model: { name: model, version: String(number), modelVersion: version.id, package: digest, files },
        // A path of nobody: what is packed is all named above.
        projectFolder: place,
        flags: {},
        environment: deps.environment,
        signal: AbortSignal.timeout(longestMs),
        ...(push === undefined ? {} : { push }),
      },
      key,
    );
    if (image === undefined) throw new GyreError('INTERNAL', 'no image was made');
    return await records.keep({
      id: newId(),
      modelVersion: version.id,
      model,
      version: number,
      package: digest,
      digest: image.digest,
      architecture: image.architecture,
      size: image.size,
      ...(image.signedBy === undefined ? {} : { signedBy: image.signedBy }),
      ...(image.pushed === undefined ? {} : { image: image.pushed.image }),
      ...(environment === undefined ? {} : { environment }),
      madeAt: isoInstant(clock.now()),
      by,
    });
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}

/** A registry that does not answer is given up. */
const longestMs = 10 * 60_000;

async function writeBlob(blobs: BlobStore, digest: string, file: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await pipeline(Readable.from(await blobs.open(asSha256(digest))), createWriteStream(file));
}

function requireAllowed(push: string, registries: readonly string[]): void {
  const { host } = referenceOf(push);
  if (registries.includes(host)) return;
  const known = registries.length === 0 ? 'none is named' : `they are ${registries.join(', ')}`;
  throw new GyreError(
    'PERMISSION_DENIED',
    `the platform may not send images to ${host}: registries are named by its setting imageRegistries (GYRE_IMAGE_REGISTRIES), and ${known}`,
    { registry: host },
  );
}
