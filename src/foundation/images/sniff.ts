/** Formats that are told by their first bytes. Those in `decodableFormats` can be decoded; the others are recognised so that a message can name them. */
export const imageFormats = ['jpeg', 'png', 'webp', 'gif', 'tiff', 'avif', 'bmp', 'heic', 'svg', 'jxl'] as const;
export type ImageFormat = (typeof imageFormats)[number];

/** What `decodeImage` reads. SVG is a program rather than a picture and stays outside; the decoder has no code for the other three. */
export const decodableFormats: readonly ImageFormat[] = ['jpeg', 'png', 'webp', 'gif', 'tiff', 'avif'];

/** Media types, as IANA registers them. */
export const mediaTypes: Readonly<Record<ImageFormat, string>> = {
  jpeg: 'image/jpeg',
  png: 'image/png',
  webp: 'image/webp',
  gif: 'image/gif',
  tiff: 'image/tiff',
  avif: 'image/avif',
  bmp: 'image/bmp',
  heic: 'image/heic',
  svg: 'image/svg+xml',
  jxl: 'image/jxl',
};

const byExtension: Readonly<Record<string, ImageFormat>> = {
  '.jpg': 'jpeg',
  '.jpeg': 'jpeg',
  '.jpe': 'jpeg',
  '.jfif': 'jpeg',
  '.png': 'png',
  '.webp': 'webp',
  '.gif': 'gif',
  '.tif': 'tiff',
  '.tiff': 'tiff',
  '.avif': 'avif',
  '.bmp': 'bmp',
  '.heic': 'heic',
  '.heif': 'heic',
  '.svg': 'svg',
  '.jxl': 'jxl',
};

/** The format that a file's name claims; undefined when its extension names none. */
export function formatOfName(name: string): ImageFormat | undefined {
  const dot = name.lastIndexOf('.');
  return dot < 0 ? undefined : byExtension[name.slice(dot).toLowerCase()];
}

/** The usual extension of a format, with its dot. */
export function extensionOf(format: ImageFormat): string {
  return format === 'jpeg' ? '.jpg' : format === 'tiff' ? '.tif' : `.${format}`;
}

/**
 * The format that the content is of, whatever the file is called; undefined when it is none that is known.
 * Signatures: JPEG ITU-T T.81 B.1.1.3, PNG (W3C) 5.2, RFC 9649 (WebP), GIF89a 17, TIFF 6.0 section 2, ISO/IEC 14496-12 4.3 (AVIF, HEIC).
 */
export function sniffImage(bytes: Uint8Array): ImageFormat | undefined {
  const starts = (...wanted: readonly number[]): boolean => wanted.every((value, index) => bytes[index] === value);
  const text = (start: number, end: number): string => String.fromCharCode(...bytes.subarray(start, end));
  if (starts(0xff, 0xd8, 0xff)) return 'jpeg';
  if (starts(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)) return 'png';
  if (text(0, 4) === 'RIFF' && text(8, 12) === 'WEBP') return 'webp';
  if (text(0, 6) === 'GIF87a' || text(0, 6) === 'GIF89a') return 'gif';
  if (starts(0x49, 0x49, 0x2a, 0x00) || starts(0x4d, 0x4d, 0x00, 0x2a)) return 'tiff';
  if (text(4, 8) === 'ftyp') return brandFormat(text(8, 12));
  if (text(0, 2) === 'BM' && bytes.length > 26 && [12, 40, 52, 56, 64, 108, 124].includes(bytes[14])) return 'bmp';
  if (starts(0xff, 0x0a) || starts(0x00, 0x00, 0x00, 0x0c, 0x4a, 0x58, 0x4c, 0x20)) return 'jxl';
  const head = text(0, Math.min(bytes.length, 512)).trimStart();
  if (/^(?:<\?xml[^>]*>\s*)?(?:<!--[\s\S]*?-->\s*)*(?:<!DOCTYPE svg[^>]*>\s*)?<svg[\s>]/i.test(head)) return 'svg';
  return undefined;
}

function brandFormat(brand: string): ImageFormat | undefined {
  if (brand === 'avif' || brand === 'avis') return 'avif';
  return ['heic', 'heix', 'hevc', 'heim', 'heis', 'mif1', 'msf1'].includes(brand) ? 'heic' : undefined;
}
