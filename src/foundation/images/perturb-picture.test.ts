import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decodeImage } from './decode.ts';
import { perturbPicture, pictureChanges } from './perturb-picture.ts';
import type { Raster } from './raster.ts';
import { encoded, gradient, photo } from './testing.ts';

const meanOf = ({ data }: Raster): number => data.reduce((sum, value) => sum + value, 0) / data.length;
const between = (left: Raster, right: Raster): number =>
  left.data.reduce((sum, value, at) => sum + Math.abs(value - right.data[at]), 0) / left.data.length;
/** How much neighbours differ along rows. */
const sharpness = ({ data, channels }: Raster): number =>
  data.reduce((sum, value, at) => sum + (at < channels ? 0 : Math.abs(value - data[at - channels])), 0);

describe('a perturbed picture', () => {
  for (const change of pictureChanges) {
    test(`(${change}) keeps its size and what it shows, and is not the same`, async () => {
      for (const bytes of [photo('hat'), await encoded(gradient(64, 40), 'png')]) {
        const [before, after] = [await decodeImage(bytes), await decodeImage(await perturbPicture(bytes, change))];
        assert.deepEqual([after.width, after.height], [before.width, before.height]);
        const difference = between(before, after);
        assert.ok(difference > 0.2 && difference < 60, `${change}: ${difference}`);
      }
    });
  }

  test('is blurred, brighter or darker as it says', async () => {
    const bytes = photo('shoes');
    const before = await decodeImage(bytes);
    const after = async (change: 'blur' | 'brighter' | 'darker') => decodeImage(await perturbPicture(bytes, change));
    assert.ok(sharpness(await after('blur')) < 0.9 * sharpness(before));
    assert.ok(meanOf(await after('darker')) < meanOf(before) && meanOf(await after('brighter')) > meanOf(before));
  });

  test('is a file of about the size that it was: requests are limited', async () => {
    const bytes = photo('hat');
    for (const change of pictureChanges) assert.ok((await perturbPicture(bytes, change)).length < 4 * bytes.length, change);
  });

  test('stands as its file asks for, before anything is changed', async () => {
    const turned = await encoded(gradient(20, 10), 'jpeg', { orientation: 6 });
    const after = await decodeImage(await perturbPicture(turned, 'darker'));
    assert.deepEqual([after.width, after.height], [10, 20]);
  });
});
