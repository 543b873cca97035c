import { Type, type Static } from 'typebox';
import { Digest, strict } from './common.ts';

/** An image of a dataset version, as a contact sheet shows it. */
export const DatasetImage = strict({
  row: Type.Integer({ description: 'its row of the version, the first one being 0' }),
  path: Type.String(),
  label: Type.Union([Type.String(), Type.Null()]),
  sha256: Type.Union([Digest, Type.Null()], { description: 'null: the labels name it, and it is not there' }),
  format: Type.Union([Type.String(), Type.Null()]),
  width: Type.Union([Type.Integer(), Type.Null()]),
  height: Type.Union([Type.Integer(), Type.Null()]),
  problem: Type.String({ description: '`none`, or what is wrong with it' }),
  group: Type.Optional(Type.Integer({ description: 'of a check whose images belong together, such as duplicates' })),
});
export type DatasetImage = Static<typeof DatasetImage>;

export const DatasetImages = strict({
  items: Type.Array(DatasetImage),
  total: Type.Integer({ description: 'of the label and the check that were asked for' }),
  labels: Type.Array(strict({ label: Type.String(), images: Type.Integer() }), {
    description: 'of the whole version, the commonest first',
  }),
  checks: Type.Array(strict({ name: Type.String(), images: Type.Integer() }), {
    description: 'the checks that images of this version fail, and how many there are to look at',
  }),
  masked: Type.Array(Type.String(), {
    description: 'personal columns among `path`, `label` and `pixels`: they are hidden from the caller, `pixels` with the pictures',
  }),
  next: Type.Optional(Type.String()),
});
export type DatasetImages = Static<typeof DatasetImages>;

export const thumbnailSizes = [64, 128, 256, 512] as const;
export type ThumbnailSize = (typeof thumbnailSizes)[number];
