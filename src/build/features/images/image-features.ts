import type { BlobStore } from '#blobs';
import type { ImageInput } from '#contract';
import { asSha256, digestOf, GyreError } from '#core';
import type { Sha256 } from '#core';
import { openImageThreads, pixelTensor } from '#images';
import { openSessionPool } from '#onnx';
import type { Tensor } from '#onnx';
import type { Store, Tx } from '#store';
import type { Frame } from '#tables';
import type { ImagePlan } from '../recipe.ts';
import { insertImageFeatures, selectImageFeatures } from './image-features-store.ts';
import { pictureDigests } from './picture-digests.ts';

export interface ImageFeatureDeps {
  readonly store: Store;
  readonly blobs: BlobStore;
  /** Threads that decode, and as many that run the network. */
  readonly workers: number;
}

/** What makes features of pictures. */
export interface ImageGraph {
  /** The name of the graph's input. */
  readonly input: string;
  readonly plan: ImagePlan;
  /** Reads the transform's graph: pixels in, `features` out. */
  readonly graph: () => Promise<Uint8Array>;
}

/** So many pictures' features are kept at once: what was computed before a process was killed is not computed again. */
const keptTogether = 256;

/**
 * The features of the rows' pictures, float32 row-major. Each picture goes through the network by itself, on one thread, so that its features
 * depend on nothing but its bytes: not on the rows beside it, nor on the number of cores. They are kept by the picture's digest, and computed once.
 * @param options.anew computes them again, and keeps nothing
 * @throws GyreError as `pictureDigests`; NOT_FOUND when a picture's bytes are not kept any more
 */
export async function imageFeatures(
  deps: ImageFeatureDeps,
  source: ImageGraph,
  frame: Frame,
  options: { readonly anew?: boolean } = {},
): Promise<Float32Array> {
  const { columns } = source.plan;
  const digests = pictureDigests(frame);
  const wanted = [...new Set(digests)];
  const plan = digestOf(source.plan);
  const known = new Map<string, Float32Array>();
  if (options.anew !== true) await readKept(deps, plan, wanted, columns, known);
  const missing = wanted.filter((digest) => !known.has(digest));
  if (missing.length > 0)
    await compute(deps, source, missing, async (images, values) => {
      for (const [at, image] of images.entries()) known.set(image, values.subarray(at * columns, (at + 1) * columns));
      if (options.anew !== true) await keep(deps, plan, images, values);
    });
  const all = new Float32Array(digests.length * columns);
  for (const [row, digest] of digests.entries()) all.set(known.get(digest) ?? [], row * columns);
  return all;
}

/** The pixels of the rows' pictures, as the graph takes them. @throws GyreError as `pictureDigests` */
export async function pictureTensor({ blobs, workers }: ImageFeatureDeps, image: ImageInput, frame: Frame): Promise<Tensor> {
  await using threads = await openImageThreads({ threads: workers });
  const rasters = await Promise.all(pictureDigests(frame).map(async (digest) => threads.pixels(await blobs.read(digest), image)));
  return pixelTensor(rasters, image);
}

async function readKept(
  { store, blobs }: ImageFeatureDeps,
  plan: string,
  images: readonly string[],
  columns: number,
  into: Map<string, Float32Array>,
): Promise<void> {
  const places = await store.read((db) => selectImageFeatures(db, plan, images));
  for (const blob of new Set(places.map((one) => one.blob))) {
    const bytes = new Uint8Array(await blobs.read(asSha256(blob)));
    const values = new Float32Array(bytes.buffer);
    for (const { image, place } of places.filter((one) => one.blob === blob))
      into.set(image, values.subarray(place * columns, (place + 1) * columns));
  }
}

async function keep({ store, blobs }: ImageFeatureDeps, plan: string, images: readonly string[], values: Float32Array): Promise<void> {
  const { digest } = await blobs.put(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  await store.write((tx: Tx, args: Parameters<typeof insertImageFeatures>[1]) => insertImageFeatures(tx, args), {
    plan,
    blob: digest,
    images,
  });
}

async function compute(
  { blobs, workers }: ImageFeatureDeps,
  { input, plan, graph }: ImageGraph,
  images: readonly Sha256[],
  done: (images: readonly Sha256[], values: Float32Array) => Promise<void>,
): Promise<void> {
  await using threads = await openImageThreads({ threads: workers });
  await using session = await openSessionPool(await graph(), { workers });
  const one = async (image: Sha256): Promise<Float32Array> => {
    const raster = await threads.pixels(await blobs.read(image), plan.image);
    const { features } = await session.run({ [input]: pixelTensor([raster], plan.image) }, { outputs: ['features'] });
    if (features.type === 'FLOAT' && features.data.length === plan.columns) return features.data;
    throw new GyreError(
      'FAILED_PRECONDITION',
      `the network gives ${features.type} [${features.shape.join(', ')}] for a picture, not ${plan.columns} floats`,
    );
  };
  for (let from = 0; from < images.length; from += keptTogether) {
    const part = images.slice(from, from + keptTogether);
    const values = new Float32Array(part.length * plan.columns);
    let next = 0;
    const work = async (): Promise<void> => {
      for (let at = next++; at < part.length; at = next++) values.set(await one(part[at]), at * plan.columns);
    };
    await Promise.all(Array.from({ length: workers * 2 }, work));
    await done(part, values);
  }
}
