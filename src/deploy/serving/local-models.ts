import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { Check } from 'typebox/schema';
import { LocalRoute } from '#contract';
import type { ManifestModel, PackageFile, ReleaseManifest, Signature } from '#contract';
import { digestOf, GyreError, isoInstant, messageOf, sha256 } from '#core';
import type { Clock } from '#core';
import { firstProblem } from './manifest.ts';
import { packageOfFolder, requireDigest } from './package-source.ts';
import type { PackageSource } from './package-source.ts';
import { routeProblem } from './route.ts';

/** What is known of a graph that nobody has described: callers name its tensors. */
const undescribed: Signature = { task: 'regression', inputs: [], outputs: [], classes: [] };

/** A folder with one of these says more of its model than a graph does, or lacks what it should say. */
const ofPackages: ReadonlySet<string> = new Set(['MLmodel', 'evidence.json', 'input_example.json', 'signature.json']);

/** What is served where the models lie, unsigned. */
export interface LocalModels {
  readonly manifest: ReleaseManifest;
  readonly source: PackageSource;
}

interface Found extends Pick<ManifestModel, 'name' | 'signature' | 'package' | 'python'> {
  readonly files: readonly (PackageFile & { readonly place: string })[];
}

/**
 * A manifest, unsigned, for models on this disk: generation 1 of the environment `local`, no tokens, every prediction logged. The first one
 * answers to the endpoint.
 * @param places `FOLDER` (a package, as `gyre model pull` writes it, or a model folder of MLflow's) or
 *   `FILE.onnx` (any graph, also as the only one of a folder), each perhaps behind `NAME=`
 * @param route how requests find their model; default: all go to the first
 * @throws GyreError NOT_FOUND when nothing lies there, INVALID_ARGUMENT when it is no package and no graph, two have one name, or the route does
 *   not fit them
 */
export async function localModels(places: readonly string[], clock: Clock, route: LocalRoute = {}): Promise<LocalModels> {
  const found: Found[] = [];
  for (const place of places) {
    const model = await modelAt(place);
    if (found.some(({ name }) => name === model.name)) {
      throw new GyreError('INVALID_ARGUMENT', `two models are called "${model.name}"; name each: NAME=${place}`, { name: model.name });
    }
    found.push(model);
  }
  const placeOf = new Map(found.flatMap(({ files }) => files.map(({ digest, place }) => [digest, place])));
  const { endpoint = found[0]?.name ?? 'local', weights = { [found[0]?.name ?? '']: 1 }, ...rest } = route;
  requireWeights(weights, found);
  const served: LocalModels = {
    manifest: {
      format: 'gyre.manifest.v1',
      environment: 'local',
      endpoint,
      generation: 1,
      models: found.map(({ name, signature, package: digest, files, python }) => ({
        name,
        version: '1',
        modelVersion: digest,
        package: digest,
        files: files.map(({ path, digest: own, size }) => ({ path, digest: own, size })),
        signature,
        ...(python === undefined ? {} : { python }),
        weight: weights[name] ?? 0,
      })),
      ...(Object.keys(rest).length === 0 ? {} : { route: rest }),
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
  const wrong = routeProblem(served.manifest);
  if (wrong !== undefined) throw new GyreError('INVALID_ARGUMENT', `the route does not fit the models: ${wrong}`);
  return served;
}

/**
 * Reads how requests find their model from a file of JSON.
 * @throws GyreError NOT_FOUND when it cannot be read, INVALID_ARGUMENT naming the member that is wrong
 */
export async function readLocalRoute(file: string): Promise<LocalRoute> {
  const text = (await bytesOf(file)).toString('utf8');
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new GyreError('INVALID_ARGUMENT', `${file} is no JSON: ${messageOf(error)}`, { file }, { cause: error });
  }
  if (Check(LocalRoute, json)) return json;
  throw new GyreError('INVALID_ARGUMENT', `${file} is no route: ${firstProblem(LocalRoute, json)}`, { file });
}

function requireWeights(weights: Readonly<Record<string, number>>, found: readonly Found[]): void {
  const unknown = Object.keys(weights).find((name) => !found.some((model) => model.name === name));
  if (unknown !== undefined && found.length > 0)
    throw new GyreError('INVALID_ARGUMENT', `the route gives "${unknown}" a weight, which is not among the models`, { name: unknown });
  const total = Object.values(weights).reduce((sum, weight) => sum + weight, 0);
  if (Math.abs(total - 1) > 1e-6) throw new GyreError('INVALID_ARGUMENT', `the route's weights sum to ${total}; traffic needs a sum of 1`);
}

async function modelAt(text: string): Promise<Found> {
  const [, given, place = text] = /^([A-Za-z0-9][A-Za-z0-9._-]*)=(.+)$/.exec(text) ?? [];
  const info = await stat(place).catch((error: unknown) => {
    throw new GyreError('NOT_FOUND', `there is no model at ${place}: ${messageOf(error)}`, { place }, { cause: error });
  });
  if (info.isDirectory()) {
    const graph = await loneGraph(place);
    if (graph !== undefined) return graphAt(join(place, graph), given ?? nameOf(basename(resolve(place))));
    const { files, ...described } = await packageOfFolder(place, given);
    const placed = files.map((file) => ({ ...file, place: join(place, file.path) }));
    return { ...described, files: placed, package: digestOf({ format: 'gyre.package.v1', files }) };
  }
  if (!place.endsWith('.onnx'))
    throw new GyreError('INVALID_ARGUMENT', `${place} is no model: a package folder or a file that ends in .onnx is wanted`, { place });
  return graphAt(place, given ?? nameOf(basename(place, '.onnx')));
}

async function graphAt(place: string, name: string): Promise<Found> {
  const bytes = await bytesOf(place);
  const files = [{ path: 'model.onnx', digest: sha256(bytes), size: bytes.length }];
  return {
    name,
    signature: undescribed,
    package: digestOf({ format: 'gyre.package.v1', files }),
    files: files.map((file) => ({ ...file, place })),
  };
}

const nameOf = (text: string): string => text.replaceAll(/[^A-Za-z0-9._-]/g, '-') || 'model';

/** Of a folder that is no package, such as the one that SageMaker unpacks a graph into: the one graph in it. */
async function loneGraph(folder: string): Promise<string | undefined> {
  const names = await readdir(folder);
  const graphs = names.filter((name) => name.endsWith('.onnx'));
  return graphs.length === 1 && !names.some((name) => ofPackages.has(name)) ? graphs[0] : undefined;
}

async function bytesOf(place: string): Promise<Buffer> {
  return readFile(place).catch((error: unknown) => {
    throw new GyreError('NOT_FOUND', `${place} cannot be read: ${messageOf(error)}`, { place }, { cause: error });
  });
}
