import type { Clock } from '#core';
import { GyreError } from '#core';
import { localModels } from '#serving';
import type { BatchModel } from './port.ts';

/**
 * A model that lies on this disk.
 * @param place a package's folder, as `gyre model pull` writes it, or any .onnx file; perhaps behind `NAME=`
 * @throws GyreError NOT_FOUND, INVALID_ARGUMENT when it is no package and no graph
 */
export async function localModel(place: string, clock: Clock): Promise<BatchModel> {
  const { manifest, source } = await localModels([place], clock);
  const [{ name, package: digest, signature, files }] = manifest.models;
  const graph = files.find(({ path }) => path === 'model.onnx');
  if (graph === undefined) throw new GyreError('INVALID_ARGUMENT', `${place} has no model.onnx`, { place });
  return { name, package: digest, signature, graph: await source.read(graph) };
}
