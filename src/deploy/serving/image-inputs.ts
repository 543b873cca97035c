import type { ImageInput, InputColumn, NamedRow, Signature } from '#contract';
import { GyreError } from '#core';
import { pixelTensor, requireImageFunction } from '#images';
import type { Feeds, Session } from '#onnx';
import { feedsOfRows } from './example.ts';

/** Encoded pictures (JPEG, PNG, …) by input name, one for each row. */
export type Images = Readonly<Record<string, readonly Uint8Array[]>>;

/** An input that takes a picture. */
export type ImageColumn = InputColumn & { readonly image: ImageInput };

/** The inputs of a model that take pictures. */
export function imageColumns({ inputs }: Pick<Signature, 'inputs'>): readonly ImageColumn[] {
  return inputs.filter((input): input is ImageColumn => input.image !== undefined);
}

/**
 * The graph takes the very tensor that the signature makes of a picture, by the function that is at work here.
 * @throws GyreError FAILED_PRECONDITION naming the input
 */
export function requireImages(signature: Signature, { inputs }: Pick<Session, 'inputs'>): void {
  for (const { name, image } of imageColumns(signature)) {
    requireImageFunction(image, name);
    const rest = pixelTensor([], image).shape.slice(1);
    const found = inputs.find((input) => input.name === name);
    const type = image.datatype === 'UINT8' ? 'UINT8' : 'FLOAT';
    const fits =
      found?.type === type && found.shape?.length === rest.length + 1 && rest.every((axis, at) => axis === found.shape?.[at + 1]);
    if (fits) continue;
    throw new GyreError(
      'FAILED_PRECONDITION',
      `the signature makes ${type} [rows, ${rest.join(', ')}] of a picture; the graph takes ${found?.type} [${found?.shape?.join(', ')}] as "${name}"`,
      { input: name },
    );
  }
}

/** What rows with named columns ask of a model. */
export interface AskedRows {
  readonly feeds: Feeds;
  readonly rows: readonly NamedRow[];
  readonly images?: Images;
}

/**
 * Rows with named columns as a model takes them: columns of pictures hold base64.
 * @throws GyreError or RowError (INVALID_ARGUMENT) naming row and column
 */
export function askedOfRows(inputs: readonly InputColumn[], rows: readonly NamedRow[]): AskedRows {
  const pictures = imageColumns({ inputs: [...inputs] });
  if (pictures.length === 0) return { feeds: feedsOfRows(inputs, rows), rows };
  const names = pictures.map(({ name }) => name);
  const others = rows.map((row) => Object.fromEntries(Object.entries(row).filter(([name]) => !names.includes(name))));
  return {
    feeds: feedsOfRows(
      inputs.filter(({ name }) => !names.includes(name)),
      others,
    ),
    rows: others,
    images: Object.fromEntries(names.map((name) => [name, rows.map((row, at) => pictureOf(row[name], at, name))])),
  };
}

const base64 = /^[A-Za-z0-9+/_\-\s]*={0,2}\s*$/;

/**
 * The bytes that a text in base64 stands for; a `data:` address is taken as well.
 * @throws GyreError INVALID_ARGUMENT naming row and input
 */
export function pictureOf(value: unknown, row: number, input: string): Uint8Array {
  const where = `row ${row} of the input "${input}"`;
  if (typeof value !== 'string') {
    const found = value === undefined ? 'nothing' : value === null ? 'null' : `a ${typeof value}`;
    throw new GyreError('INVALID_ARGUMENT', `${where}: ${found} was found, a picture in base64 is wanted`, { row, input });
  }
  const text = value.startsWith('data:') ? value.slice(value.indexOf(',') + 1) : value;
  if (!base64.test(text))
    throw new GyreError('INVALID_ARGUMENT', `${where} is no base64, which pictures in JSON are written in`, { row, input });
  return Buffer.from(text, 'base64');
}
