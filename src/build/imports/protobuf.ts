/** A field of a protobuf message as it is on the wire (protobuf.dev/programming-guides/encoding). */
export interface WireField {
  readonly number: number;
  /** Of a varint or a fixed number of 64 or 32 bits: its bits. */
  readonly bits: bigint;
  /** Of a string, bytes, message or packed list. */
  readonly bytes: Buffer;
}

const none = Buffer.alloc(0);

/** The fields of a message, in their order. @throws RangeError when the message is cut off */
export function* fieldsOf(message: Uint8Array): Generator<WireField> {
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes.readUInt8(at++);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
      if (shift > 63n) throw new RangeError('a varint has more than ten bytes');
    }
  };
  while (at < bytes.length) {
    const key = Number(varint());
    const number = key >>> 3;
    switch (key & 7) {
      case 0:
        yield { number, bits: varint(), bytes: none };
        break;
      case 1:
        yield { number, bits: bytes.readBigUInt64LE(at), bytes: none };
        at += 8;
        break;
      case 2: {
        const size = Number(varint());
        if (size > bytes.length - at) throw new RangeError(`a field of ${size} bytes is cut off`);
        yield { number, bits: 0n, bytes: bytes.subarray(at, at + size) };
        at += size;
        break;
      }
      case 5:
        yield { number, bits: BigInt(bytes.readUInt32LE(at)), bytes: none };
        at += 4;
        break;
      default:
        throw new RangeError(`a field of wire type ${key & 7} is none`);
    }
  }
}

const scratch = new DataView(new ArrayBuffer(8));

export function doubleOf(bits: bigint): number {
  scratch.setBigUint64(0, bits);
  return scratch.getFloat64(0);
}

export function floatOf(bits: bigint): number {
  scratch.setUint32(0, Number(bits & 0xffffffffn));
  return scratch.getFloat32(0);
}

export function signedOf(bits: bigint): number {
  return Number(BigInt.asIntN(64, bits));
}
