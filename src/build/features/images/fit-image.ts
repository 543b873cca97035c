import type { ImageTransform, TransformStep } from '#contract';
import { GyreError, canonicalJson, sha256 } from '#core';
import { imageFunction } from '#images';
import type { Frame } from '#tables';
import type { WeightedVersion } from '../port.ts';
import type { Description, FittedTransform, ImagePlan, Recipe } from '../recipe.ts';
import { settleTarget } from '../target.ts';
import { encodeImage, readBackbone } from './image-graph.ts';
import { pictureDigests } from './picture-digests.ts';

/** What models of pictures call their input. */
export const imageInput = 'image';

export interface FitImageInputs {
  readonly key?: string;
  readonly train: readonly WeightedVersion[];
  /** The bytes of the network. */
  readonly backbone: Uint8Array;
}

/**
 * "Fits" a transform of pictures: the network is taken as it is, only the target is learned from the rows. The same rows, specification and
 * network give the same description and the same bytes.
 * @throws GyreError INVALID_ARGUMENT when the rows are none of pictures, some of them cannot be decoded, or the network does not fit
 */
export function fitImage(
  frame: Frame,
  spec: TransformStep,
  asked: ImageTransform,
  { key, train, backbone }: FitImageInputs,
): FittedTransform {
  if (frame.rows === 0) throw new GyreError('INVALID_ARGUMENT', 'there are no training rows to fit a transform on');
  pictureDigests(frame);
  const target = settleTarget(frame, spec);
  const { width, height, fit = 'cover', kernel = 'bilinear', mean = 0, std = 1 } = asked;
  const { output, columns } = readBackbone(backbone, asked, asked.output);
  const perChannel = (value: number | readonly [number, number, number]): [number, number, number] =>
    typeof value === 'number' ? [value, value, value] : [...value];
  if (perChannel(std).includes(0)) throw new GyreError('INVALID_ARGUMENT', '"std" must not be 0: pixels are divided by it');
  const image: ImagePlan['image'] = {
    function: imageFunction,
    width,
    height,
    fit,
    kernel,
    channels: 'RGB',
    layout: 'NHWC',
    datatype: 'UINT8',
  };
  const plan: ImagePlan = { image, backbone: sha256(backbone), output: output.name, columns, mean: perChannel(mean), std: perChannel(std) };
  const recipe = JSON.parse(
    canonicalJson({
      inputs: [{ name: imageInput, type: 'string', datatype: 'BYTES', required: true, image }],
      derived: [],
      numbers: [],
      categories: [],
      image: plan,
    }),
  ) as Recipe; // a brand cast: what was a recipe is one again
  const graph = encodeImage(imageInput, plan, backbone);
  const description: Description = {
    format: 'gyre.transform.v1',
    spec,
    ...(key === undefined ? {} : { key }),
    train,
    rows: frame.rows,
    ...target,
    features: Array.from({ length: columns }, (_, at) => ({ name: `${output.name}_${at}`, from: [imageInput], how: 'network' })),
    recipe,
    trainingOnly: { clip: [], folds: [] },
    warnings: [],
    graph: sha256(graph),
  };
  return { description, graph };
}
