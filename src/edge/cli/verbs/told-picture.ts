import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { GyreError, messageOf } from '#core';
import type { ToldPicture } from '#video';

export const pictureHelp =
  'of a graph without a signature, what becomes of a frame: scale (such as 1/255), mean and std (three each), channels (RGB or BGR), fit (cover or stretch), ' +
  'layout and size where the graph leaves them open, output, softmax=yes when that holds logits, labels=FILE';

const names = ['scale', 'mean', 'std', 'channels', 'fit', 'layout', 'size', 'output', 'softmax', 'labels'] as const;

/**
 * Reads what `--picture` says.
 * @param folder that the file of labels is looked for in
 * @throws GyreError INVALID_ARGUMENT naming the word that is wrong, NOT_FOUND when there is no such file of labels
 */
export async function toldPicture(words: readonly string[], folder: string): Promise<ToldPicture> {
  const said = new Map<string, string>();
  for (const word of words) {
    const [, name, value] = /^([a-z]+)=(.+)$/s.exec(word) ?? [];
    if (name === undefined || !(names as readonly string[]).includes(name) || said.has(name))
      throw new GyreError(
        'INVALID_ARGUMENT',
        `--picture: "${word}" says nothing of a picture, or again; NAME=VALUE with one of ${names.join(', ')} is right`,
      );
    said.set(name, value);
  }
  const read = <T>(name: (typeof names)[number], of: (text: string) => T | undefined, right: string): T | undefined => {
    const text = said.get(name);
    if (text === undefined) return undefined;
    const value = of(text);
    if (value === undefined) throw new GyreError('INVALID_ARGUMENT', `--picture: ${name} is "${text}": ${right} is right`);
    return value;
  };
  const file = said.get('labels');
  const told = {
    scale: read('scale', positive, 'a number above 0 or a fraction, such as 1/255,'),
    mean: read('mean', three, 'three numbers, such as 0.485,0.456,0.406,'),
    std: read('std', (text) => allPositive(three(text)), 'three numbers above 0, such as 0.229,0.224,0.225,'),
    channels: read('channels', oneOf(['RGB', 'BGR']), 'RGB or BGR'),
    fit: read('fit', oneOf(['cover', 'stretch']), 'cover (the middle is cut out) or stretch'),
    layout: read('layout', oneOf(['NCHW', 'NHWC']), 'NCHW or NHWC'),
    size: read('size', sizeIn, 'WIDTHxHEIGHT of at most 8192 each, such as 224x224,'),
    output: said.get('output'),
    softmax: read('softmax', oneOf(['yes', 'no']), 'yes or no'),
    labels: file === undefined ? undefined : await labelsIn(resolve(folder, file)),
  };
  const { softmax, ...rest } = told;
  const given: ToldPicture = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
  return { ...given, ...(softmax === undefined ? {} : { softmax: softmax === 'yes' }) };
}

const oneOf =
  <T extends string>(words: readonly T[]) =>
  (text: string): T | undefined =>
    words.find((word) => word === text);

function positive(text: string): number | undefined {
  const [over, under = 1, ...more] = text.split('/').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  const value = over / under;
  return more.length === 0 && Number.isFinite(value) && value > 0 ? value : undefined;
}

function three(text: string): readonly [number, number, number] | undefined {
  const numbers = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  const [red, green, blue] = numbers;
  return numbers.length === 3 && numbers.every(Number.isFinite) ? [red, green, blue] : undefined;
}

const allPositive = (numbers: readonly [number, number, number] | undefined): readonly [number, number, number] | undefined =>
  numbers?.every((value) => value > 0) === true ? numbers : undefined;

function sizeIn(text: string): ToldPicture['size'] {
  const [, width, height] = /^(\d{1,4})x(\d{1,4})$/.exec(text) ?? [];
  const size = { width: Number(width), height: Number(height) };
  return [size.width, size.height].every((side) => side >= 1 && side <= 8192) ? size : undefined;
}

/** One a line, or a list of JSON; of those that are the same, the later ones with their number. */
async function labelsIn(file: string): Promise<readonly string[]> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new GyreError(
      'NOT_FOUND',
      `--picture: labels are looked for in ${file}, which cannot be read: ${messageOf(error)}`,
      {},
      { cause: error },
    );
  });
  const lines = text.trimStart().startsWith('[') ? listIn(text) : text.trimEnd().split(/\r?\n/);
  const labels = lines?.map((line) => line.trim());
  if (labels === undefined || labels.some((label) => label === ''))
    throw new GyreError('INVALID_ARGUMENT', `--picture: ${file} holds no labels: one on each line, or a list of JSON with them, is right`);
  // ImageNet has two cranes, a bird and a machine.
  return labels.map((label, at) => (labels.indexOf(label) === at ? label : `${label} (${at})`));
}

function listIn(text: string): readonly string[] | undefined {
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) && list.every((one) => typeof one === 'string') ? list : undefined;
  } catch {
    return undefined;
  }
}
