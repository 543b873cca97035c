import { ConnectionFault, errorCodes } from './protocol.ts';

/**
 * Bits of each byte's code (RFC 7541, appendix B), sixteen bytes a line. The codes follow from them: they are given out in the order of
 * their lengths, and of bytes where these are equal.
 */
const codeBits = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28, 6, 10, 10,
  12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
  7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7,
  7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22,
  23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22,
  23, 26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20,
  24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
];
const fewestBits = 5;
const mostBits = 30;

/** Bytes in the order of their codes. */
const ordered = Uint8Array.from(
  codeBits
    .keys()
    .toArray()
    .toSorted((a, b) => codeBits[a] - codeBits[b] || a - b),
);
/** For each number of bits: where codes of more bits begin, with zeros up to 32 bits behind them. */
const ends = new Float64Array(mostBits + 1);
/** For each number of bits: what is taken from a code to have its place in `ordered`. */
const shifts = new Int32Array(mostBits + 1);
{
  let code = 0;
  let place = 0;
  for (let bits = fewestBits; bits <= mostBits; bits++) {
    shifts[bits] = code - place;
    const count = codeBits.filter((own) => own === bits).length;
    code += count;
    place += count;
    ends[bits] = code * 2 ** (32 - bits);
    code *= 2;
  }
}

/**
 * Reads a string that is Huffman-coded (RFC 7541, 5.2), as one character a byte.
 * @throws ConnectionFault COMPRESSION_ERROR when it has the code of its end, or is filled up with anything but the beginning of that
 */
export function readHuffman(bytes: Uint8Array, from: number, to: number): string {
  const text = Buffer.allocUnsafe(Math.floor(((to - from) * 8) / fewestBits));
  let size = 0;
  const end = to * 8;
  let at = from * 8;
  while (at < end) {
    const byte = at >>> 3;
    const into = at & 7;
    // 32 bits from here, with ones behind the last: five bytes where it does not begin with one.
    const four =
      (bytes[byte] << 24) |
      ((byte + 1 < to ? bytes[byte + 1] : 0xff) << 16) |
      ((byte + 2 < to ? bytes[byte + 2] : 0xff) << 8) |
      (byte + 3 < to ? bytes[byte + 3] : 0xff);
    const window = into === 0 ? four >>> 0 : ((four << into) | ((byte + 4 < to ? bytes[byte + 4] : 0xff) >>> (8 - into))) >>> 0;
    let bits = fewestBits;
    while (bits <= mostBits && window >= ends[bits]) bits += 1;
    if (at + bits > end) {
      // What is left is no code: less than a byte of ones.
      if (end - at > 7 || window < 2 ** 32 - 2 ** (32 - (end - at))) throw broken();
      break;
    }
    if (bits > mostBits) throw broken();
    text[size++] = ordered[(window >>> (32 - bits)) - shifts[bits]];
    at += bits;
  }
  return text.toString('latin1', 0, size);
}

function broken(): ConnectionFault {
  return new ConnectionFault(errorCodes.compression, 'a header is not Huffman-coded as it says');
}
