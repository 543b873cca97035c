import { eventType } from '#contract';
import type { Actor, Transform } from '#contract';
import { GyreError, asSha256, canonicalJson, isoInstant, sha256 } from '#core';
import { openSession } from '#onnx';
import { concatRows } from '#tables';
import type { Frame } from '#tables';
import type { Tx } from '#store';
import { insertTransform, selectTransforms, transformOf } from './features-store.ts';
import { fitTransform } from './fit.ts';
import { LoadedGraphs } from './loaded-graphs.ts';
import type { LoadedTransform } from './loaded-graphs.ts';
import { feeds } from './feeds.ts';
import { fitImage } from './images/fit-image.ts';
import { imageFeatures, pictureTensor } from './images/image-features.ts';
import type { ImageFeatureDeps, ImageGraph } from './images/image-features.ts';
import { compileImage, encodeImage } from './images/image-graph.ts';
import type { FeatureMatrix, Features, FeaturesDeps, FitRequest, WeightedVersion } from './port.ts';
import { compileRecipe, encodeRecipe } from './recipe-graph.ts';
import type { Description, FittedTransform, Recipe } from './recipe.ts';
import { featureValues, matrixOf, trainingValues } from './run-graph.ts';
import { targetsOf } from './target.ts';

/** Loaded graphs and descriptions that are kept at hand. */
const mostKept = 8;

/** Opens the room over a migrated store. */
export function openFeatures(deps: FeaturesDeps): Features {
  const { store, blobs, events, clock, newId, data } = deps;
  const loaded = new LoadedGraphs(mostKept);
  const pictures: ImageFeatureDeps = { store, blobs, workers: deps.workers ?? 1 };

  const get = async (name: string): Promise<Transform> => {
    const record = await store.read((db) => transformOf(db, name));
    if (record !== undefined) return record;
    const recent = await store.read((db) => selectTransforms(db, {}, 5, undefined));
    const known =
      recent.length === 0
        ? 'there is none yet'
        : `the newest are ${recent.map((one) => `${one.record.name} (${one.record.digest.slice(0, 12)})`).join(', ')}`;
    throw new GyreError('NOT_FOUND', `no transform "${name}": a digest or an id is needed; ${known}`, { transform: name });
  };
  const recordOf = async (transform: string | Transform): Promise<Transform> =>
    typeof transform === 'string' ? get(transform) : transform;

  const describe = async (record: Transform): Promise<Description> => {
    const parsed: unknown = JSON.parse(new TextDecoder().decode(await blobs.read(asSha256(record.digest))));
    if (isDescription(parsed)) return parsed;
    throw new GyreError('DATA_LOSS', `blob ${record.digest} is no transform of a form that this Gyre reads`, { digest: record.digest });
  };
  const load = async (record: Transform): Promise<LoadedTransform> => {
    const [description, graph] = await Promise.all([describe(record), blobs.read(asSha256(record.graph))]);
    return { description, session: await openSession(graph) };
  };

  const fitted = async (request: Fitting): Promise<FittedTransform> => {
    const { frame, spec, train, weights, key, backbone } = request;
    const { image } = spec.transform;
    const named = key === undefined ? {} : { key };
    if (image === undefined) return fitTransform(frame, spec, { train, weights, ...named });
    if (backbone === undefined) throw new GyreError('INVALID_ARGUMENT', 'a transform of pictures needs the bytes of its network');
    return fitImage(frame, spec, image, { train, backbone, ...named });
  };
  /** What makes features of pictures; undefined for a transform of columns. */
  const imageGraphOf = ({ recipe, graph }: Description, bytes?: Uint8Array): ImageGraph | undefined =>
    recipe.image === undefined
      ? undefined
      : { input: recipe.inputs[0].name, plan: recipe.image, graph: async () => bytes ?? blobs.read(asSha256(graph)) };
  const pictureMatrix = async (
    description: Description,
    frame: Frame,
    options: { readonly anew?: boolean; readonly graph?: Uint8Array } = {},
  ): Promise<FeatureMatrix> => {
    const source = imageGraphOf(description, options.graph);
    if (source === undefined) throw new GyreError('DATA_LOSS', 'the record of a transform of pictures has no plan of them');
    const names = description.features.map((feature) => feature.name);
    return { rows: frame.rows, columns: names.length, names, values: await imageFeatures(pictures, source, frame, options) };
  };
  const backboneOf = async ({ recipe }: Description): Promise<Uint8Array | undefined> =>
    recipe.image === undefined ? undefined : blobs.read(asSha256(recipe.image.backbone));

  const keep = async (tx: Tx, args: { readonly record: Transform; readonly createdAt: number; readonly by: Actor }): Promise<Transform> => {
    const { record, created } = await insertTransform(tx, args);
    if (created) {
      events.publish(tx, {
        type: eventType('transform.fitted'),
        subject: record.id,
        actor: args.by.identity,
        data: { id: record.id, digest: record.digest, dataset: record.fittedOn, features: record.features.length },
      });
    }
    return record;
  };

  return {
    get,
    async fit(request) {
      const { name, train, by, backbone } = request;
      const { description, graph } = await fitted({ ...request, ...(await trainingRows(data, request)) });
      if (backbone !== undefined) await blobs.put(backbone);
      const [graphBlob, descriptionBlob] = await Promise.all([
        blobs.put(graph),
        blobs.put(new TextEncoder().encode(canonicalJson(description))),
      ]);
      const now = clock.now();
      const { target, task, classes, positive, recipe, features, warnings } = description;
      const record: Transform = {
        id: newId(),
        digest: descriptionBlob.digest,
        graph: graphBlob.digest,
        name,
        fittedOn: train[0].version,
        train: train.map(({ version, weight }) => ({ version, weight })),
        ...(warnings.length === 0 ? {} : { warnings: [...warnings] }),
        target,
        task,
        classes: [...classes],
        ...(positive === undefined ? {} : { positive }),
        inputs: [...recipe.inputs],
        ...(recipe.image === undefined ? {} : { backbone: recipe.image.backbone }),
        features: features.map((one) => ({ ...one, from: [...one.from] })),
        createdAt: isoInstant(now),
      };
      return store.write(keep, { record, createdAt: now, by });
    },
    async apply(transform, frame, { forTraining = false } = {}) {
      const record = await recordOf(transform);
      if (record.backbone !== undefined) return pictureMatrix(await describe(record), frame);
      return loaded.use(
        record.digest,
        () => load(record),
        async ({ description, session }) => {
          const values = await (forTraining ? trainingValues : featureValues)(session, description, frame);
          const names = description.features.map((feature) => feature.name);
          return { rows: frame.rows, columns: names.length, names, values };
        },
      );
    },
    async target(transform, frame) {
      const record = await recordOf(transform);
      return targetsOf(frame, record);
    },
    async graphOf(transform) {
      const record = await recordOf(transform);
      const description = await describe(record);
      const { recipe } = description;
      const backbone = await backboneOf(description);
      const made = sha256(encodeAny(recipe, backbone));
      if (made !== record.graph) {
        throw new GyreError(
          'FAILED_PRECONDITION',
          `transform "${record.name}" gives another graph (${made.slice(0, 12)}) than when it was fitted (${record.graph.slice(0, 12)}): it was made by another version of Gyre; fit it again`,
          { transform: record.digest, graph: record.graph, made },
        );
      }
      const { graph, features } = compileAny(recipe, backbone);
      return { graph, features };
    },
    async refit(transform, { frame, weights }) {
      const { spec, train, key, ...rest } = await describe(await recordOf(transform));
      const backbone = await backboneOf({ spec, train, ...rest });
      const named = { ...(key === undefined ? {} : { key }), ...(backbone === undefined ? {} : { backbone }) };
      const anew = await fitted({ frame, weights, spec, train, ...named });
      const { description, graph } = anew;
      return {
        digest: sha256(canonicalJson(description)),
        facts: description,
        ...compileAny(description.recipe, backbone),
        matrix: async (rows, options) =>
          description.recipe.image === undefined ? matrixOf(anew, rows, options) : pictureMatrix(description, rows, { anew: true, graph }),
      };
    },
    async feeds(transform, frame) {
      const record = await recordOf(transform);
      const [input] = record.inputs;
      return input.image === undefined ? feeds(record.inputs, frame) : { [input.name]: await pictureTensor(pictures, input.image, frame) };
    },
    async trainedOn(transform) {
      return (await describe(await recordOf(transform))).train;
    },
    async specOf(transform) {
      const { spec, key } = await describe(await recordOf(transform));
      return { spec, ...(key === undefined ? {} : { key }) };
    },
    async list({ limit = 50, after, name } = {}) {
      const size = Math.min(Math.max(1, Math.trunc(limit)), 1000);
      const found = await store.read((db) => selectTransforms(db, name === undefined ? {} : { name }, size + 1, pagePosition(after)));
      const items = found.slice(0, size);
      const last = items.at(-1);
      return {
        items: items.map(({ record }) => record),
        ...(found.length > size && last !== undefined ? { next: String(last.position) } : {}),
      };
    },
    [Symbol.asyncDispose]: () => loaded[Symbol.asyncDispose](),
  };
}

interface Fitting extends Pick<FitRequest, 'spec' | 'key' | 'train' | 'backbone'> {
  readonly frame: Frame;
  readonly weights: Float64Array;
}

/** The graph of a recipe, of columns or of pictures. */
function compileAny(recipe: Recipe, backbone: Uint8Array | undefined): Pick<ReturnType<typeof compileRecipe>, 'graph' | 'features'> {
  const { graph, features } =
    recipe.image === undefined || backbone === undefined
      ? compileRecipe(recipe)
      : compileImage(recipe.inputs[0].name, recipe.image, backbone);
  return { graph, features };
}

function encodeAny(recipe: Recipe, backbone: Uint8Array | undefined): Uint8Array {
  return recipe.image === undefined || backbone === undefined
    ? encodeRecipe(recipe)
    : encodeImage(recipe.inputs[0].name, recipe.image, backbone);
}

function pagePosition(after: string | undefined): number | undefined {
  if (after === undefined) return undefined;
  const position = Number(after);
  if (Number.isSafeInteger(position) && position > 0) return position;
  throw new GyreError('INVALID_ARGUMENT', `"${after}" is no page token: use the "next" of the page before`);
}

/**
 * The rows of several versions one after the other, with a weight for each row.
 * @throws GyreError INVALID_ARGUMENT when there is no version, a weight is not above 0, or a given frame has another number of rows
 */
export async function trainingRows(
  data: FeaturesDeps['data'],
  { train, frame }: Pick<FitRequest, 'train' | 'frame'>,
): Promise<{ readonly frame: Frame; readonly weights: Float64Array }> {
  if (train.length === 0) throw new GyreError('INVALID_ARGUMENT', 'at least one dataset version is needed as training data');
  for (const { version, weight } of train) {
    if (!(weight > 0 && Number.isFinite(weight)))
      throw new GyreError('INVALID_ARGUMENT', `the weight ${weight} of version ${version} must be above 0`, { version });
  }
  if (frame !== undefined && train.length === 1) return { frame, weights: new Float64Array(frame.rows).fill(train[0].weight) };
  const parts = await Promise.all(train.map(({ version }) => data.open(version)));
  const joined = frame ?? concatRows(parts);
  return { frame: joined, weights: weightsOf(train, parts, joined.rows) };
}

function weightsOf(train: readonly WeightedVersion[], parts: readonly Frame[], rows: number): Float64Array {
  const weights = Float64Array.from(parts.flatMap((part, at) => Array.from({ length: part.rows }, () => train[at].weight)));
  if (weights.length === rows) return weights;
  throw new GyreError('INVALID_ARGUMENT', `the given table has ${rows} rows, the versions have ${weights.length} together`, { rows });
}

function isDescription(value: unknown): value is Description {
  return typeof value === 'object' && value !== null && 'format' in value && value.format === 'gyre.transform.v1';
}
