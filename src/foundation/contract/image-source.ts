import { Type, type Static } from 'typebox';
import { strict } from './common.ts';

/** Images as a dataset: a folder, and where the labels stand. A folder alone is written `source: images/`, with the slash. */
export const ImageSource = strict({
  images: Type.String({ minLength: 1, description: 'the folder of images, relative to gyre.yaml' }),
  labels: Type.Optional(
    Type.String({ minLength: 1, description: 'a CSV of labels; without it an image’s label is the folder that it lies in' }),
  ),
  path: Type.Optional(Type.String({ minLength: 1, description: 'the column of the labels that names the file; default: path' })),
  label: Type.Optional(Type.String({ minLength: 1, description: 'the column of the labels that holds the label; default: label' })),
});
export type ImageSource = Static<typeof ImageSource>;

/** The columns of an image dataset's rows; `folder` only where images lie deeper than class/name. */
export const imageColumns: readonly string[] = [
  'path',
  'label',
  'folder',
  'size',
  'sha256',
  'md5',
  'format',
  'width',
  'height',
  'channels',
  'brightness',
  'contrast',
  'sharpness',
  'phash',
  'pixels',
  'readable',
  'problem',
];
