import { loadSharp } from './decode.ts';

/** What cameras, light and the way of a file do to a picture. */
export const pictureChanges = ['blur', 'brighter', 'darker', 'rotated', 'poor JPEG'] as const;
export type PictureChange = (typeof pictureChanges)[number];

/** Of the shorter side: standard deviation of the blur. */
const blurShare = 0.005;
const least = 1;
const brightness = { brighter: 1.25, darker: 0.8 } as const;
const degrees = 5;
const poorQuality = 30;

/** What a change does, in words. */
export const pictureChangeSays: Readonly<Record<PictureChange, string>> = {
  blur: `a blur of ${blurShare * 100} % of the shorter side (at least ${least} pixel)`,
  brighter: `a quarter brighter`,
  darker: `a fifth darker`,
  rotated: `turned by ${degrees} degrees about its middle, cut to its size`,
  'poor JPEG': `a JPEG of quality ${poorQuality}`,
};

/**
 * A picture with one thing changed, its turn by EXIF applied; without loss (PNG) but for the poor JPEG.
 * @throws GyreError as `decodeImage` where sharp cannot be loaded; Error when the bytes are no picture
 */
export async function perturbPicture(bytes: Uint8Array, change: PictureChange): Promise<Uint8Array> {
  const sharp = await loadSharp();
  const upright = sharp(bytes, { failOn: 'none', pages: 1, autoOrient: true });
  switch (change) {
    case 'blur': {
      const { width, height } = await upright.metadata();
      return upright
        .blur(Math.max(least, blurShare * Math.min(width, height)))
        .png()
        .toBuffer();
    }
    case 'brighter':
    case 'darker':
      return upright.modulate({ brightness: brightness[change] }).png().toBuffer();
    case 'rotated': {
      const { data, info } = await upright.png().toBuffer({ resolveWithObject: true });
      const turned = await sharp(data).rotate(degrees, { background: '#808080' }).png().toBuffer({ resolveWithObject: true });
      const { width, height } = info;
      const [left, top] = [Math.floor((turned.info.width - width) / 2), Math.floor((turned.info.height - height) / 2)];
      return sharp(turned.data).extract({ left, top, width, height }).png().toBuffer();
    }
    case 'poor JPEG':
      return upright.jpeg({ quality: poorQuality }).toBuffer();
  }
}
