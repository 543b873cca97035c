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
import type { Features, FeaturesDeps, FitRequest, WeightedVersion } from './port.ts';
import { compileRecipe, encodeRecipe } from './recipe-graph.ts';
import type { Description } from './recipe.ts';
import { featureValues, trainingValues } from './run-graph.ts';
import { targetsOf } from './target.ts';

/** Loaded graphs and descriptions that are kept at hand. */
const mostKept = 8;

/** Opens the room over a migrated store. */
export function openFeatures(deps: FeaturesDeps): Features {
  const { store, blobs, events, clock, newId, data } = deps;
  const loaded = new LoadedGraphs(mostKept);

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
      const { name, spec, key, train, by } = request;
      const { frame, weights } = await trainingRows(data, request);
      const { description, graph } = await fitTransform(frame, spec, { train, weights, ...(key === undefined ? {} : { key }) });
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
        features: features.map((one) => ({ ...one, from: [...one.from] })),
        createdAt: isoInstant(now),
      };
      return store.write(keep, { record, createdAt: now, by });
    },
    async apply(transform, frame, { forTraining = false } = {}) {
      const record = await recordOf(transform);
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
      const { recipe } = await describe(record);
      const made = sha256(encodeRecipe(recipe));
      if (made !== record.graph) {
        throw new GyreError(
          'FAILED_PRECONDITION',
          `transform "${record.name}" gives another graph (${made.slice(0, 12)}) than when it was fitted (${record.graph.slice(0, 12)}): it was made by another version of Gyre; fit it again`,
          { transform: record.digest, graph: record.graph, made },
        );
      }
      const { graph, features } = compileRecipe(recipe);
      return { graph, features };
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
