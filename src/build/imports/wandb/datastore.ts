import { open } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { GyreError } from '#core';

/*
 * The file that wandb writes a run to: a header, then records in LevelDB's log format (github.com/google/leveldb/blob/main/doc/log_format.md):
 * blocks of 32 KiB with pieces of a checksum (uint32), a length (uint16) and a type (uint8), little-endian. The checksum is the CRC-32 of zip over
 * type and data, not LevelDB's masked CRC-32C. The header counts as a part of the first block.
 */
const blockBytes = 32 * 1024;
const headBytes = 7;
const blocksAtOnce = 64;
const magic = Buffer.from(':W&B');

/** Of a piece: a whole record, or its first, a middle, its last part. */
const pieces = { whole: 1, first: 2, middle: 3, last: 4 } as const;

/**
 * The records of a file, as far as they are whole: one that is cut off is still being written, or its process was killed.
 * @param damaged told where a checksum does not fit, in bytes; the rest of that block is left out, and reading goes on with the next
 * @throws GyreError FAILED_PRECONDITION when it is no such file
 */
export async function* readDatastore(path: string, damaged: (at: number) => void): AsyncGenerator<Buffer> {
  await using file = await open(path, 'r');
  const buffer = Buffer.alloc(blockBytes * blocksAtOnce);
  let parts: Buffer[] | undefined;
  for (let start = 0; ; start += buffer.length) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, start);
    if (start === 0 && !buffer.subarray(0, magic.length).equals(magic))
      throw new GyreError('FAILED_PRECONDITION', `${path} is no run of wandb: it does not begin with ${magic.toString()}`);
    for (let block = 0; block < bytesRead; block += blockBytes) {
      const end = Math.min(block + blockBytes, bytesRead);
      let at = block + (start === 0 && block === 0 ? headBytes : 0);
      while (at + headBytes <= end) {
        const length = buffer.readUInt16LE(at + 4);
        const type = buffer.readUInt8(at + 6);
        const to = at + headBytes + length;
        // A block's end that is too short for a head is filled with zeros; so is what was set aside for a file that was never filled.
        if (type === 0 && length === 0) break;
        if (to > end) {
          if (end === block + blockBytes) damaged(start + at);
          break;
        }
        if (crc32(buffer.subarray(at + 6, to)) !== buffer.readUInt32LE(at)) {
          damaged(start + at);
          parts = undefined;
          break;
        }
        // The buffer is read into again.
        const data = Buffer.from(buffer.subarray(at + headBytes, to));
        at = to;
        if (type === pieces.whole) yield data;
        else if (type === pieces.first) parts = [data];
        else if (parts !== undefined) {
          parts.push(data);
          if (type !== pieces.last) continue;
          yield Buffer.concat(parts);
          parts = undefined;
        }
      }
    }
    if (bytesRead < buffer.length) return;
  }
}
