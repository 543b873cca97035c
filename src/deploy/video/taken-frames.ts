import { Check } from 'typebox/schema';
import { ImageInput } from '#contract';
import type { VideoFrame } from '#contract';
import { GyreError, memberOf } from '#core';

/** How a model of pictures is asked about a frame, and how its answer is read. */
export interface TakenFrames {
  readonly input: string;
  readonly width: number;
  readonly height: number;
  readonly fit: ImageInput['fit'];
  readonly kernel: ImageInput['kernel'];
  /** What becomes of a frame's pixels. */
  readonly image: ImagePixels;
  /** In the order of its probabilities. */
  readonly classes: readonly string[];
  /** Of a graph without a signature: the output with a number for each class. */
  readonly scores?: Scores;
}

/** What `image` of a signature says, without who decodes: frames come decoded. */
export type ImagePixels = Omit<ImageInput, 'function'>;

interface Scores {
  readonly output: string;
  readonly softmax: boolean;
}

/** What a caller says of a graph whose metadata tell of a tensor and not of a picture. */
export interface ToldPicture {
  /** Where the graph leaves it open. */
  readonly size?: { readonly width: number; readonly height: number };
  /** Where the graph leaves it open. */
  readonly layout?: ImageInput['layout'];
  readonly channels?: ImageInput['channels'];
  readonly fit?: ImageInput['fit'];
  /** Of a graph that takes floats: pixels of 0..255 are multiplied by it, before mean and std. */
  readonly scale?: number;
  readonly mean?: readonly [number, number, number];
  readonly std?: readonly [number, number, number];
  /** The output with a number for each class; default: the only one. */
  readonly output?: string;
  /** These numbers are logits. */
  readonly softmax?: boolean;
  /** In the order of these numbers. */
  readonly labels?: readonly string[];
}

export type Said = Pick<VideoFrame, 'id' | 'label' | 'confidence' | 'probabilities'>;

/** Of a graph with a thousand classes nobody reads more. */
const namedClasses = 5;

/**
 * @param metadata of the model, as the Open Inference Protocol has them
 * @param told for a graph that has no signature
 * @throws GyreError FAILED_PRECONDITION when it takes no picture alone, or it is not known how; INVALID_ARGUMENT when what was told does not fit it
 */
export function takenFrames(metadata: unknown, model: string, told?: ToldPicture): TakenFrames {
  const inputs = listOf(metadata, 'inputs');
  const [input] = inputs;
  const name = memberOf(input, 'name');
  const image = imageOf(input);
  if (inputs.length !== 1 || typeof name !== 'string')
    throw new GyreError(
      'FAILED_PRECONDITION',
      `"${model}" takes ${inputs.length} inputs, not a picture alone: a video has no more to give`,
    );
  const outputs = listOf(metadata, 'outputs');
  if (image !== undefined) {
    if (ofPixels.some((word) => told?.[word] !== undefined))
      throw new GyreError(
        'INVALID_ARGUMENT',
        `the signature of "${model}" says what becomes of a picture; leave ${ofPixels.join(', ')} out`,
      );
    return { input: name, ...sized(image), ...readAnswers(outputs, told) };
  }
  if (told === undefined)
    throw new GyreError(
      'FAILED_PRECONDITION',
      `the metadata of "${model}" tell of no picture ("image" of its input's signature): say what becomes of one, such as --picture scale=1/255 labels=names.txt`,
    );
  return { input: name, ...sized(toldPixels(input, name, told)), ...readAnswers(outputs, told) };
}

/** What the signature says of the picture; beside that the metadata have the tensor's shape. */
function imageOf(input: unknown): ImageInput | undefined {
  const said = memberOf(memberOf(input, 'parameters'), 'image');
  if (typeof said !== 'object' || said === null) return undefined;
  const image = Object.fromEntries(Object.entries(said).filter(([name]) => name !== 'shape'));
  return Check(ImageInput, image) ? image : undefined;
}

const ofPixels = ['size', 'layout', 'channels', 'fit', 'scale', 'mean', 'std'] as const;

const sized = (image: ImagePixels): Pick<TakenFrames, 'width' | 'height' | 'fit' | 'kernel' | 'image'> => ({
  width: image.width,
  height: image.height,
  fit: image.fit,
  kernel: image.kernel,
  image,
});

/** The answers of a package have names; of another graph's outputs one has the numbers. */
function readAnswers(outputs: readonly unknown[], told: ToldPicture = {}): Pick<TakenFrames, 'classes' | 'scores'> {
  const probabilities = outputs.find((output) => memberOf(output, 'name') === 'probabilities');
  const isOurs = told.output === undefined && probabilities !== undefined && outputs.some((output) => memberOf(output, 'name') === 'label');
  const classes = memberOf(memberOf(probabilities, 'parameters'), 'classes');
  if (isOurs) return { classes: Array.isArray(classes) ? classes.map(String) : [] };
  return { classes: told.labels ?? [], scores: { output: toldOutput(outputs, told), softmax: told.softmax === true } };
}

function toldPixels(input: unknown, name: string, told: ToldPicture): ImagePixels {
  const [datatype, shape] = [memberOf(input, 'datatype'), listOf(input, 'shape').map(Number)];
  const wrong = (why: string): GyreError =>
    new GyreError('INVALID_ARGUMENT', `"${name}" takes ${String(datatype)} [${shape.join(', ')}]: ${why}`);
  if (shape.length !== 4 || (datatype !== 'FP32' && datatype !== 'UINT8'))
    throw wrong('a picture is FP32 or UINT8 of [rows, 3, height, width] or [rows, height, width, 3]');
  const [rows, second, , last] = shape;
  if (rows > 1) throw wrong(`frames go one at a time, not ${rows} at once`);
  const open = (['NCHW', 'NHWC'] as const).filter((layout) => [-1, 3].includes(layout === 'NCHW' ? second : last));
  // Where one axis says three and the other leaves it open, the one that says it is meant.
  const certain = second === 3 && last !== 3 ? ['NCHW' as const] : last === 3 && second !== 3 ? ['NHWC' as const] : open;
  const fitting = told.layout === undefined ? certain : open.filter((layout) => layout === told.layout);
  if (fitting.length === 0)
    throw wrong(told.layout === undefined ? 'a picture has three channels, by its second or last axis' : `that is not ${told.layout}`);
  if (fitting.length > 1) throw wrong('its channels may be the second axis or the last: say layout=NCHW or layout=NHWC');
  const [layout] = fitting;
  const [height, width] = layout === 'NCHW' ? shape.slice(2) : shape.slice(1, 3);
  const size = { width: width > 0 ? width : told.size?.width, height: height > 0 ? height : told.size?.height };
  if (size.width === undefined || size.height === undefined) throw wrong('it leaves the size open: say size=WIDTHxHEIGHT');
  if (told.size !== undefined && (told.size.width !== size.width || told.size.height !== size.height))
    throw wrong(`that is not the size ${told.size.width}x${told.size.height}`);
  const { scale, mean, std, channels = 'RGB', fit = 'cover' } = told;
  const isTold = scale !== undefined || mean !== undefined || std !== undefined;
  if (datatype === 'UINT8' && isTold) throw wrong('it takes bytes as they are, so leave scale, mean and std out');
  // A network answers to pixels of another range as surely, and wrongly: nothing is assumed.
  if (datatype === 'FP32' && !isTold)
    throw wrong('say what becomes of 0..255: scale=1 leaves them, scale=1/255 makes 0..1; maybe mean and std');
  const by = scale ?? 1;
  return {
    width: size.width,
    height: size.height,
    fit,
    kernel: 'bilinear',
    channels,
    layout,
    datatype,
    // (pixel * scale - mean) / std, in the words of a signature.
    ...(datatype === 'UINT8'
      ? {}
      : { mean: each(mean ?? [0, 0, 0], (value) => value / by), std: each(std ?? [1, 1, 1], (value) => value / by) }),
  };
}

const each = ([red, green, blue]: readonly [number, number, number], of: (value: number) => number): [number, number, number] => [
  of(red),
  of(green),
  of(blue),
];

function toldOutput(outputs: readonly unknown[], { output }: ToldPicture): string {
  const names = outputs.map((one) => String(memberOf(one, 'name')));
  if (output === undefined && names.length === 1) return names[0];
  if (output !== undefined && names.includes(output)) return output;
  const has = `it has the outputs ${names.join(', ')}`;
  throw new GyreError(
    'INVALID_ARGUMENT',
    output === undefined ? `${has}: say which has a number for each class, output=NAME` : `there is no output "${output}"; ${has}`,
  );
}

/** What to ask for: the answers of a package, or the numbers of a graph. */
export function askedOutputs({ scores }: TakenFrames): readonly string[] {
  return scores === undefined ? ['label', 'probabilities'] : [scores.output];
}

/** @throws GyreError INVALID_ARGUMENT when the graph gives another number of numbers than there are labels */
export function saidOf(body: unknown, { classes, scores }: TakenFrames): Said {
  const dataOf = (name: string): readonly unknown[] =>
    listOf(
      listOf(body, 'outputs').find((output) => memberOf(output, 'name') === name),
      'data',
    );
  const id = memberOf(memberOf(body, 'parameters'), 'prediction_ids');
  const ids = typeof id === 'string' ? { id } : {};
  if (scores !== undefined) return { ...ids, ...saidByScores(dataOf(scores.output).map(Number), classes, scores) };
  const [label] = dataOf('label');
  const shares = dataOf('probabilities').map(Number);
  const at = classes.indexOf(String(label));
  const confidence = at < 0 ? Math.max(...shares) : shares[at];
  return {
    ...ids,
    ...(label === undefined ? {} : { label: String(label) }),
    ...(Number.isFinite(confidence) ? { confidence } : {}),
    ...(classes.length === shares.length ? { probabilities: Object.fromEntries(classes.map((name, k) => [name, shares[k]])) } : {}),
  };
}

function saidByScores(numbers: readonly number[], classes: readonly string[], { output, softmax }: Scores): Said {
  if (numbers.length === 0 || (classes.length > 0 && classes.length !== numbers.length))
    throw new GyreError(
      'INVALID_ARGUMENT',
      `"${output}" gives ${numbers.length} numbers for a picture; there are ${classes.length} labels`,
    );
  const shares = softmax ? softmaxOf(numbers) : numbers;
  const first = shares
    .map((share, at) => ({ share, label: classes[at] ?? String(at) }))
    .sort((left, right) => right.share - left.share)
    .slice(0, namedClasses);
  // Numbers that are no probabilities tell which class it is, and not how surely.
  const areShares = shares.every((share) => share >= 0) && Math.abs(shares.reduce((sum, share) => sum + share, 0) - 1) < 1e-3;
  const [{ label, share: confidence }] = first;
  return areShares ? { label, confidence, probabilities: Object.fromEntries(first.map((one) => [one.label, one.share])) } : { label };
}

function softmaxOf(logits: readonly number[]): readonly number[] {
  const greatest = Math.max(...logits);
  const powers = logits.map((logit) => Math.exp(logit - greatest));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}

function listOf(value: unknown, name: string): readonly unknown[] {
  const list = memberOf(value, name);
  return Array.isArray(list) ? list : [];
}
