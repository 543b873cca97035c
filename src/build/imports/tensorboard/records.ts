/**
 * TFRecord, the framing of TensorFlow's event files: a length (uint64), its masked CRC-32C (uint32), the data, and their masked CRC-32C, all
 * little-endian (tensorflow/core/lib/io/record_writer.h).
 */
const lengthBytes = 12;
const footerBytes = 4;
/** No event is larger: what claims to be is damage. */
const mostBytes = 1 << 30;

/** Castagnoli's polynomial, reflected. */
const polynomial = 0x82f63b78;

const table = new Uint32Array(256).map((_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ polynomial : value >>> 1;
  return value;
});

/** CRC-32C (RFC 3720, appendix B.4). */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (let at = 0; at < bytes.length; at++) crc = table[(crc ^ bytes[at]) & 0xff] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

/** As TFRecord stores it, so that a CRC of data that holds CRCs stays sound. */
export function maskedCrc(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

export interface ReadRecords {
  readonly records: readonly Uint8Array[];
  /** Bytes that hold whole records: what is behind is being written, or damaged. */
  readonly sound: number;
  /** Whether a checksum does not fit; a record that is only cut off is no damage. */
  readonly damaged: boolean;
}

/** Reads the whole records at the start of some bytes. */
export function readRecords(bytes: Buffer): ReadRecords {
  const records: Uint8Array[] = [];
  let at = 0;
  while (at + lengthBytes <= bytes.length) {
    const head = bytes.subarray(at, at + 8);
    const length = Number(bytes.readBigUInt64LE(at));
    if (maskedCrc(head) !== bytes.readUInt32LE(at + 8) || length > mostBytes) return { records, sound: at, damaged: true };
    const end = at + lengthBytes + length;
    if (end + footerBytes > bytes.length) break;
    const data = bytes.subarray(at + lengthBytes, end);
    if (maskedCrc(data) !== bytes.readUInt32LE(end)) return { records, sound: at, damaged: true };
    records.push(data);
    at = end + footerBytes;
  }
  return { records, sound: at, damaged: false };
}
