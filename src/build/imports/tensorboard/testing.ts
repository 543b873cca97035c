/** Event files of scalars, for tests; `test/interop` has those that TensorBoard's own writers make. */
import { blockOf, numberField } from '../protobuf-testing.ts';
import { maskedCrc } from './records.ts';

/** One scalar as a record of an event file. @param time UTC milliseconds */
export function scalarRecord(tag: string, value: number, step: number, time: number): Buffer {
  const seconds = Buffer.alloc(9);
  seconds.writeUInt8(1 * 8 + 1, 0);
  seconds.writeDoubleLE(time / 1000, 1);
  const simple = Buffer.alloc(5);
  simple.writeUInt8(2 * 8 + 5, 0);
  simple.writeFloatLE(value, 1);
  const summary = blockOf(1, Buffer.concat([blockOf(1, Buffer.from(tag)), simple]));
  const event = Buffer.concat([seconds, numberField(2, step), blockOf(5, summary)]);
  const head = Buffer.alloc(12);
  head.writeBigUInt64LE(BigInt(event.length), 0);
  head.writeUInt32LE(maskedCrc(head.subarray(0, 8)), 8);
  const foot = Buffer.alloc(4);
  foot.writeUInt32LE(maskedCrc(event), 0);
  return Buffer.concat([head, event, foot]);
}
