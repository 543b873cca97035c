import type { ExplainOptions, OcclusionMap, Signature } from '#contract';
import { GyreError } from '#core';
import type { Feeds, Session, SessionValue, Tensor } from '#onnx';
import type { ExplainAnswerParts } from './exact.ts';
import type { ExplainJob, Patience } from './request.ts';
import { classAt } from './request.ts';
import { chosenColumn, nameOf, scoredOutput, scoresOf } from './scored-output.ts';

/** How the values of an image lie in a tensor of four axes. */
interface Layout {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  /** Where the value of a pixel is, within the image. */
  readonly at: (channel: number, y: number, x: number) => number;
}

/** An image as it stands in a tensor. */
type ImageTensor = Tensor & { readonly type: 'FLOAT' | 'UINT8' };
type Values = ImageTensor['data'];

/** Covered images of one run. */
const imagesAtOnce = 16;
const mostSquares = 10_000;

/**
 * Occlusion maps (Zeiler and Fergus 2014): for each square of an image, how much of a class's score goes when the square is covered.
 * @throws GyreError INVALID_ARGUMENT for a model that takes no image as one tensor of floats or bytes, or squares that do not fit
 */
export async function explainByOcclusion(
  session: Session,
  signature: Signature,
  { feeds, options }: ExplainJob,
  patience: Patience,
): Promise<ExplainAnswerParts> {
  const { input, layout, tensor } = imageOf(session.inputs, feeds);
  const output = scoredOutput(session, signature, options.output);
  const patch = options.patch ?? Math.max(1, Math.round(Math.min(layout.height, layout.width) / 8));
  const stride = options.stride ?? Math.max(1, Math.floor(patch / 2));
  if (patch > Math.min(layout.height, layout.width))
    throw new GyreError('INVALID_ARGUMENT', `a patch of ${patch} pixels does not fit an image of ${layout.width} x ${layout.height}`, {
      patch,
    });
  const rows = places(layout.height, patch, stride);
  const columns = places(layout.width, patch, stride);
  if (rows.length * columns.length > mostSquares)
    throw new GyreError(
      'INVALID_ARGUMENT',
      `${rows.length * columns.length} squares are too many: ${mostSquares} are the most; ask for a larger stride`,
    );
  // A graph that takes exactly one image is asked for one at a time.
  const atOnce = typeof input.shape?.[0] === 'number' ? 1 : imagesAtOnce;
  const size = layout.channels * layout.height * layout.width;
  const run = async (images: readonly Values[]): Promise<ReturnType<typeof scoresOf>> => {
    patience();
    const shape = [images.length, ...tensor.shape.slice(1)];
    const answered = await session.run({ [input.name]: joined(tensor.type, shape, images, size) }, { outputs: [output.name] });
    return scoresOf(answered[output.name], images.length);
  };
  const images: OcclusionMap[][] = [];
  for (let at = 0; at < tensor.shape[0]; at++) {
    const image = tensor.data.slice(at * size, (at + 1) * size);
    const whole = await run([image]);
    const wanted = wantedColumns(options, whole.values, output.classes) ?? [chosenColumn(output, whole.values, options.class)];
    const cover = coverOf(image, layout, options.baseline);
    const squares = rows.flatMap((y) => columns.map((x) => ({ y, x })));
    const lost = wanted.map((): number[] => []);
    for (let from = 0; from < squares.length; from += atOnce) {
      const part = squares.slice(from, from + atOnce);
      const { values, width } = await run(part.map(({ y, x }) => covered(image, layout, cover, y, x, patch)));
      part.forEach((_, k) => wanted.forEach((column, w) => lost[w].push(whole.values[column] - values[k * width + column])));
    }
    images.push(
      wanted.map((column, w) => ({
        class: nameOf(output, column, whole.width) ?? output.name,
        score: whole.values[column],
        values: rows.map((_, y) => lost[w].slice(y * columns.length, (y + 1) * columns.length)),
      })),
    );
  }
  return { method: 'occlusion', scale: output.scale, maps: { patch, stride, height: layout.height, width: layout.width, images } };
}

function joined(type: ImageTensor['type'], shape: readonly number[], images: readonly Values[], size: number): ImageTensor {
  const data = type === 'FLOAT' ? new Float32Array(size * images.length) : new Uint8Array(size * images.length);
  images.forEach((image, k) => data.set(image, k * size));
  return data instanceof Float32Array ? { type: 'FLOAT', shape: [...shape], data } : { type: 'UINT8', shape: [...shape], data };
}

/** Whether a model takes one image as a tensor of floats or bytes. */
export function takesImage(inputs: readonly SessionValue[]): boolean {
  const [input] = inputs;
  return inputs.length === 1 && (input.type === 'FLOAT' || input.type === 'UINT8') && input.shape?.length === 4;
}

function imageOf(inputs: readonly SessionValue[], feeds: Feeds): { input: SessionValue; layout: Layout; tensor: ImageTensor } {
  const [input] = inputs;
  const tensor = feeds[input?.name];
  if (!takesImage(inputs) || (tensor?.type !== 'FLOAT' && tensor?.type !== 'UINT8') || tensor.shape.length !== 4)
    throw new GyreError(
      'INVALID_ARGUMENT',
      'occlusion explains models that take one image as FP32 or UINT8 [N, channels, height, width] or [N, height, width, channels]',
    );
  const [, a, b, c] = tensor.shape;
  if (a <= 4) return { input, tensor, layout: { channels: a, height: b, width: c, at: (channel, y, x) => (channel * b + y) * c + x } };
  if (c <= 4) return { input, tensor, layout: { channels: c, height: a, width: b, at: (channel, y, x) => (y * b + x) * c + channel } };
  throw new GyreError('INVALID_ARGUMENT', `[${tensor.shape.join(', ')}] is no image: 1 to 4 channels are the second or the last axis`);
}

/** Where squares begin along an axis; the last one ends with the image. */
function places(length: number, patch: number, stride: number): number[] {
  const last = length - patch;
  const starts = Array.from({ length: Math.floor(last / stride) + 1 }, (_, k) => k * stride);
  return starts[starts.length - 1] === last ? starts : [...starts, last];
}

function coverOf(image: Values, { channels, height, width, at }: Layout, baseline: ExplainOptions['baseline']): number[] {
  return Array.from({ length: channels }, (_, channel) => {
    if (typeof baseline === 'number') return baseline;
    let sum = 0;
    for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) sum += image[at(channel, y, x)];
    const mean = sum / (height * width);
    // Bytes hold whole numbers: rounded, as decoding rounds.
    return image instanceof Uint8Array ? Math.round(mean) : mean;
  });
}

function covered(image: Values, { channels, at }: Layout, cover: readonly number[], y: number, x: number, patch: number): Values {
  const copy = image.slice();
  for (let channel = 0; channel < channels; channel++)
    for (let dy = 0; dy < patch; dy++) for (let dx = 0; dx < patch; dx++) copy[at(channel, y + dy, x + dx)] = cover[channel];
  return copy;
}

function wantedColumns({ classes: asked }: ExplainOptions, scores: Float64Array, classes: readonly string[]): number[] | undefined {
  const known = classes.length > 0 ? classes : Array.from(scores, (_, k) => String(k));
  return asked?.map((each) => classAt(known, each));
}
