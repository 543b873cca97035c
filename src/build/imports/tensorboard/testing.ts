/** Event files of scalars, for tests; `test/interop` has those that TensorBoard's own writers make. */
import { maskedCrc } from './records.ts';

const varint = (value: number): number[] => (value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(Math.floor(value / 128))]);
const block = (number: number, bytes: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from([...varint(number * 8 + 2), ...varint(bytes.length)]), bytes]);

/** One scalar as a record of an event file. @param time UTC milliseconds */
export function scalarRecord(tag: string, value: number, step: number, time: number): Buffer {
  const seconds = Buffer.alloc(9);
  seconds.writeUInt8(1 * 8 + 1, 0);
  seconds.writeDoubleLE(time / 1000, 1);
  const simple = Buffer.alloc(5);
  simple.writeUInt8(2 * 8 + 5, 0);
  simple.writeFloatLE(value, 1);
  const summary = block(1, Buffer.concat([block(1, Buffer.from(tag)), simple]));
  const event = Buffer.concat([seconds, Buffer.from([2 * 8, ...varint(step)]), block(5, summary)]);
  const head = Buffer.alloc(12);
  head.writeBigUInt64LE(BigInt(event.length), 0);
  head.writeUInt32LE(maskedCrc(head.subarray(0, 8)), 8);
  const foot = Buffer.alloc(4);
  foot.writeUInt32LE(maskedCrc(event), 0);
  return Buffer.concat([head, event, foot]);
}
