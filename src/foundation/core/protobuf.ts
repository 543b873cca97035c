import { GyreError } from './errors.ts';

/** Wire types of protocol buffers (Encoding guide, "Message Structure"). */
export const wire = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/** Most messages are shorter; memory of this size comes from Node's pool, which costs a tenth of a buffer of its own. */
const firstBytes = 1024;
/** Texts up to this are written character by character: a call into native code takes longer. */
const shortText = 100;

/** Writes protocol buffer fields into one growing buffer. Fields come out in the order in which they are written. */
export class WireWriter {
  #buffer = Buffer.allocUnsafe(firstBytes);
  #length = 0;

  /** A copy of what was written. */
  finish(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#buffer.subarray(0, this.#length));
  }

  int(field: number, value: number | bigint): void {
    this.#tag(field, wire.varint);
    this.#int64(value);
  }

  bool(field: number, value: boolean): void {
    this.int(field, value ? 1 : 0);
  }

  float(field: number, value: number): void {
    this.#tag(field, wire.fixed32);
    this.#reserve(4);
    this.#length = this.#buffer.writeFloatLE(value, this.#length);
  }

  string(field: number, text: string): void {
    this.#tag(field, wire.bytes);
    if (text.length <= shortText && this.#asciiText(text)) return;
    const size = Buffer.byteLength(text);
    this.#varint(size);
    this.#reserve(size);
    this.#length += this.#buffer.write(text, this.#length, 'utf8');
  }

  /** A short text with its length. @returns false, and nothing is written, when it has other characters than ASCII's */
  #asciiText(text: string): boolean {
    const start = this.#length;
    this.#reserve(1 + text.length);
    this.#buffer[this.#length++] = text.length;
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code > 0x7f) {
        this.#length = start;
        return false;
      }
      this.#buffer[this.#length++] = code;
    }
    return true;
  }

  bytes(field: number, bytes: Uint8Array): void {
    this.#tag(field, wire.bytes);
    this.#varint(bytes.length);
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Fields that are written already, as they stand. */
  raw(fields: Uint8Array): void {
    this.#reserve(fields.length);
    this.#buffer.set(fields, this.#length);
    this.#length += fields.length;
  }

  /** 32-bit floats, packed; nothing when there are none. */
  packedFloats(field: number, values: Float32Array | readonly number[]): void {
    if (values.length === 0) return;
    this.#tag(field, wire.bytes);
    this.#varint(values.length * 4);
    this.#reserve(values.length * 4);
    for (let i = 0; i < values.length; i++) this.#length = this.#buffer.writeFloatLE(values[i], this.#length);
  }

  /** 64-bit integers, packed; nothing when there are none. */
  packedInts(field: number, values: BigInt64Array | Int32Array | readonly number[]): void {
    if (values.length === 0) return;
    this.message(field, () => {
      for (let i = 0; i < values.length; i++) this.#int64(values[i]);
    });
  }

  /** A nested message, written by `body`. */
  message(field: number, body: (writer: WireWriter) => void): void {
    this.#tag(field, wire.bytes);
    const start = this.#length;
    // The length stands before the body but is known only after it. It takes one byte for most; others are moved on to make room.
    this.#reserve(1);
    this.#length += 1;
    body(this);
    const end = this.#length;
    const size = end - start - 1;
    if (size <= 0x7f) {
      this.#buffer[start] = size;
      return;
    }
    const lengthBytes = size < 2 ** 14 ? 2 : size < 2 ** 21 ? 3 : size < 2 ** 28 ? 4 : 5;
    this.#reserve(lengthBytes - 1);
    this.#buffer.copyWithin(start + lengthBytes, start + 1, end);
    this.#length = start;
    this.#varint(size);
    this.#length += size;
  }

  #tag(field: number, type: number): void {
    this.#varint((field << 3) | type);
  }

  /** An unsigned number below 2^32. */
  #varint(value: number): void {
    this.#reserve(5);
    let rest = value;
    while (rest > 0x7f) {
      this.#buffer[this.#length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#buffer[this.#length++] = rest;
  }

  #int64(value: number | bigint): void {
    if (typeof value === 'number') {
      if (value >= 0 && value <= 0x7fffffff && (value | 0) === value) {
        this.#varint(value);
        return;
      }
      if (!Number.isSafeInteger(value)) {
        throw new GyreError('INVALID_ARGUMENT', `${value} is no whole number that can be written exactly; use a bigint`);
      }
    }
    // Negative numbers take ten bytes: the two's complement of 64 bits.
    let rest = BigInt.asUintN(64, BigInt(value));
    this.#reserve(10);
    while (rest > 0x7fn) {
      this.#buffer[this.#length++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.#buffer[this.#length++] = Number(rest);
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}

/** Reads protocol buffer fields one after the other: `while (reader.next()) switch (reader.field) { … default: reader.skip(); }`. */
export class WireReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #end: number;
  readonly #what: string;
  #at: number;
  #from = 0;
  #field = 0;
  #type = 0;

  /** @param what the bytes should be, for messages */
  constructor(bytes: Uint8Array, what = 'protocol buffer message', start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#what = what;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = start;
    this.#end = end;
  }

  /** The number of the field that `next` found. */
  get field(): number {
    return this.#field;
  }

  /** Goes to the next field. @returns false at the end. @throws GyreError INVALID_ARGUMENT when there is no field here */
  next(): boolean {
    if (this.#at >= this.#end) return false;
    this.#from = this.#at;
    const tag = this.#uint32();
    this.#field = tag >>> 3;
    this.#type = tag & 7;
    if (this.#field === 0) throw this.#broken('a field without a number', this.#at);
    return true;
  }

  int(): bigint | number {
    this.#expect(wire.varint);
    return this.#int64();
  }

  /** An integer that must be exact as a number, such as a size or a type. */
  smallInt(): number {
    const value = this.int();
    if (typeof value === 'bigint') throw this.#broken('a number beyond 2^53 where a size or a code stands', this.#at);
    return value;
  }

  float(): number {
    this.#expect(wire.fixed32);
    return this.#view.getFloat32(this.#advance(4), true);
  }

  double(): number {
    this.#expect(wire.fixed64);
    return this.#view.getFloat64(this.#advance(8), true);
  }

  bool(): boolean {
    return this.int() !== 0;
  }

  /** A part of the bytes that are read; not a copy. */
  bytes(): Uint8Array {
    this.#expect(wire.bytes);
    const length = this.#uint32();
    const start = this.#advance(length);
    return this.#bytes.subarray(start, start + length);
  }

  string(): string {
    const bytes = this.bytes();
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  }

  message(): WireReader {
    this.#expect(wire.bytes);
    const length = this.#uint32();
    const start = this.#advance(length);
    return new WireReader(this.#bytes, this.#what, start, start + length);
  }

  /** Appends one 64-bit integer, or all of a packed field. */
  intsInto(target: (number | bigint)[]): void {
    if (this.#type !== wire.bytes) {
      target.push(this.int());
      return;
    }
    const packed = this.message();
    while (packed.#at < packed.#end) target.push(packed.#int64());
  }

  /** Appends one number of fixed width (4 or 8 bytes), or all of a packed field. */
  floatsInto(target: number[], width: 4 | 8): void {
    let length: number = width;
    if (this.#type === wire.bytes) length = this.#uint32();
    else this.#expect(width === 4 ? wire.fixed32 : wire.fixed64);
    const start = this.#advance(length);
    if (length % width !== 0) throw this.#broken('a packed field of a broken length', start);
    for (let at = start; at < this.#at; at += width) {
      target.push(width === 4 ? this.#view.getFloat32(at, true) : this.#view.getFloat64(at, true));
    }
  }

  /** The whole field, with its number; not a copy. */
  raw(): Uint8Array {
    this.skip();
    return this.#bytes.subarray(this.#from, this.#at);
  }

  skip(): void {
    if (this.#type === wire.varint) this.#int64();
    else if (this.#type === wire.fixed64) this.#advance(8);
    else if (this.#type === wire.fixed32) this.#advance(4);
    else if (this.#type === wire.bytes) this.#advance(this.#uint32());
    else throw this.#broken(`wire type ${this.#type}, which nobody uses,`, this.#at);
  }

  #broken(fault: string, at: number): GyreError {
    return new GyreError('INVALID_ARGUMENT', `the bytes are no ${this.#what}: ${fault} at byte ${at}`, { offset: at });
  }

  #expect(type: number): void {
    if (this.#type !== type) throw this.#broken(`field ${this.#field} has wire type ${this.#type} instead of ${type}`, this.#at);
  }

  #advance(bytes: number): number {
    const start = this.#at;
    if (start + bytes > this.#end) throw this.#broken(`a field of ${bytes} bytes goes beyond its message`, start);
    this.#at = start + bytes;
    return start;
  }

  #uint32(): number {
    const value = this.#int64();
    if (typeof value === 'bigint' || value < 0 || value > 0xffffffff) throw this.#broken('a length that is out of range', this.#at);
    return value;
  }

  #int64(): number | bigint {
    let low = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.#bytes[this.#advance(1)];
      low |= (byte & 0x7f) << shift;
      if (byte < 0x80) return low;
    }
    let value = BigInt(low);
    for (let shift = 28n; shift < 70n; shift += 7n) {
      const byte = this.#bytes[this.#advance(1)];
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) {
        const signed = BigInt.asIntN(64, value);
        const number = Number(signed);
        return Number.isSafeInteger(number) ? number : signed;
      }
    }
    throw this.#broken('an integer of more than ten bytes', this.#at);
  }
}
