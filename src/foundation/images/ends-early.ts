import type { ImageFormat } from './sniff.ts';

/**
 * Whether content ends before its format says that it does: told from the bytes alone, as the words of a decoder that works on several images
 * at once may be those of another one. A format that has no such sign is not taken for cut off.
 */
export function endsEarly(bytes: Uint8Array, format: ImageFormat): boolean {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (format) {
    case 'jpeg':
      // end of image (ITU-T T.81, B.1.1.3)
      return !buffer.includes(Buffer.of(0xff, 0xd9));
    case 'png':
      return !buffer.includes('IEND');
    case 'webp':
      // the size in the RIFF header counts what follows it
      return buffer.length < 12 || buffer.length < 8 + buffer.readUInt32LE(4);
    case 'gif':
      return buffer.at(-1) !== 0x3b;
    case 'tiff': {
      // the offset of the first directory (TIFF 6.0, section 2)
      if (buffer.length < 8) return true;
      const offset = buffer[0] === 0x49 ? buffer.readUInt32LE(4) : buffer.readUInt32BE(4);
      return offset + 2 > buffer.length;
    }
    case 'avif':
      return boxesEndEarly(buffer);
    default:
      return false;
  }
}

/** Whether a box of the file reaches beyond its end (ISO 14496-12, section 4.2). */
function boxesEndEarly(buffer: Buffer): boolean {
  for (let at = 0; at < buffer.length;) {
    if (at + 8 > buffer.length) return true;
    const short = buffer.readUInt32BE(at);
    if (short === 0) return false;
    if (short === 1 && at + 16 > buffer.length) return true;
    const size = short === 1 ? Number(buffer.readBigUInt64BE(at + 8)) : short;
    if (size < 8) return false;
    at += size;
    if (at > buffer.length) return true;
  }
  return false;
}
