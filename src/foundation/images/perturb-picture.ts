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

/** Of photos: what is changed is far more than what this loses. */
const fine = { quality: 95, chromaSubsampling: '4:4:4' } as const;

/**
 * A picture with one thing changed, its turn by EXIF applied. A JPEG stays one, of about its size; what is something else becomes a PNG.
 * @throws GyreError as `decodeImage` where sharp cannot be loaded; Error when the bytes are no picture
 */
export async function perturbPicture(bytes: Uint8Array, change: PictureChange): Promise<Uint8Array> {
  const sharp = await loadSharp();
  const read = (of: Uint8Array) => sharp(of, { failOn: 'none', pages: 1, autoOrient: true });
  const upright = await read(bytes).png({ compressionLevel: 1 }).toBuffer({ resolveWithObject: true });
  const { width, height } = upright.info;
  const isJpeg = (await read(bytes).metadata()).format === 'jpeg';
  const encoded = (image: ReturnType<typeof sharp>): Promise<Uint8Array> => (isJpeg ? image.jpeg(fine) : image.png()).toBuffer();
  switch (change) {
    case 'blur':
      return encoded(sharp(upright.data).blur(Math.max(least, blurShare * Math.min(width, height))));
    case 'brighter':
    case 'darker':
      return encoded(sharp(upright.data).modulate({ brightness: brightness[change] }));
    case 'rotated': {
      const turned = await sharp(upright.data)
        .rotate(degrees, { background: '#808080' })
        .png({ compressionLevel: 1 })
        .toBuffer({ resolveWithObject: true });
      const [left, top] = [Math.floor((turned.info.width - width) / 2), Math.floor((turned.info.height - height) / 2)];
      return encoded(sharp(turned.data).extract({ left, top, width, height }));
    }
    case 'poor JPEG':
      return sharp(upright.data).jpeg({ quality: poorQuality }).toBuffer();
  }
}
