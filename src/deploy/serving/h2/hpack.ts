import { readHuffman } from './huffman.ts';
import { ConnectionFault, errorCodes } from './protocol.ts';
import { staticEntries, staticNames, staticPairs, staticPlaces, staticValues } from './static-table.ts';

/** What an entry counts beside its characters (RFC 7541, 4.1). */
const entryBytes = 32;
/** Of the dynamic table: what both sides begin with (RFC 9113, 6.5.2), and we allow no more. */
const tableBytes = 4096;
/** A number of five bytes beyond its first is beyond all that may be said with it. */
const mostShift = 28;

/** A list of headers as it was decoded. */
export interface HeaderList {
  /** Name, value, name, value, …; one character a byte. Cut off where they are too many. */
  readonly fields: readonly string[];
  /** Whether they are more than was to be read: names, values and 32 for each (RFC 9113, 6.5.2). */
  readonly isTooLarge: boolean;
}

/** Reads header blocks of one connection, in their order (RFC 7541). */
export class HeaderDecoder {
  // The newest entry stands last.
  readonly #names: string[] = [];
  readonly #values: string[] = [];
  #size = 0;
  #capacity = tableBytes;
  #changes = 0;
  /** Where in the block that is read. */
  #at = 0;

  /** Changes with the table: the same bytes mean the same headers as long as this is the same. */
  get changes(): number {
    return this.#changes;
  }

  /**
   * Reads a whole block. One that says too much is read to its end all the same, as the table needs it, but not kept.
   * @param limit of the list, in the bytes of SETTINGS_MAX_HEADER_LIST_SIZE
   * @throws ConnectionFault COMPRESSION_ERROR when it cannot be read: what comes after it cannot be read either
   */
  read(block: Buffer, limit: number): HeaderList {
    const fields: string[] = [];
    let size = 0;
    this.#at = 0;
    const add = (name: string, value: string): void => {
      // Counted to the end, kept up to the limit: a byte may stand for thousands.
      size += name.length + value.length + entryBytes;
      if (size <= limit) fields.push(name, value);
    };
    while (this.#at < block.length) {
      const first = block[this.#at];
      if (first >= 0x80) {
        const index = this.#integer(block, 7);
        add(this.#nameAt(index), this.#valueAt(index));
      } else if (first >= 0x40) {
        const index = this.#integer(block, 6);
        const name = index === 0 ? this.#text(block) : this.#nameAt(index);
        const value = this.#text(block);
        this.#insert(name, value);
        add(name, value);
      } else if (first >= 0x20) {
        if (size > 0) throw broken('the size of the table changes behind a header');
        this.#resize(this.#integer(block, 5));
      } else {
        const index = this.#integer(block, 4);
        const name = index === 0 ? this.#text(block) : this.#nameAt(index);
        add(name, this.#text(block));
      }
    }
    return { fields, isTooLarge: size > limit };
  }

  /** @param bits of the first byte (RFC 7541, 5.1) */
  #integer(block: Buffer, bits: number): number {
    const most = (1 << bits) - 1;
    let value = block[this.#at++] & most;
    if (value < most) return value;
    for (let shift = 0; ; shift += 7) {
      if (this.#at >= block.length || shift > mostShift) throw broken('a number in it has no end');
      const byte = block[this.#at++];
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  }

  #text(block: Buffer): string {
    if (this.#at >= block.length) throw broken('it ends in the middle of a header');
    const isCoded = block[this.#at] >= 0x80;
    const length = this.#integer(block, 7);
    const from = this.#at;
    if (length > block.length - from) throw broken('it ends in the middle of a header');
    this.#at += length;
    if (isCoded) return readHuffman(block, from, this.#at);
    return block.toString('latin1', from, this.#at);
  }

  #nameAt(index: number): string {
    return index <= staticEntries && index > 0 ? staticNames[index - 1] : this.#names[this.#place(index)];
  }

  #valueAt(index: number): string {
    return index <= staticEntries && index > 0 ? staticValues[index - 1] : this.#values[this.#place(index)];
  }

  /** Where a dynamic entry stands in the arrays. */
  #place(index: number): number {
    const place = this.#names.length - (index - staticEntries);
    if (index === 0 || place < 0) throw broken(`it speaks of entry ${index}, and there is none`);
    return place;
  }

  #insert(name: string, value: string): void {
    this.#changes += 1;
    this.#size += name.length + value.length + entryBytes;
    this.#names.push(name);
    this.#values.push(value);
    // One that is larger than the table empties it, itself too (RFC 7541, 4.4).
    this.#evict();
  }

  #resize(capacity: number): void {
    if (capacity > tableBytes) throw broken(`its table is to have ${capacity} bytes, and ${tableBytes} are allowed`);
    this.#changes += 1;
    this.#capacity = capacity;
    this.#evict();
  }

  #evict(): void {
    let gone = 0;
    while (this.#size > this.#capacity) {
      this.#size -= this.#names[gone].length + this.#values[gone].length + entryBytes;
      gone += 1;
    }
    if (gone === 0) return;
    this.#names.splice(0, gone);
    this.#values.splice(0, gone);
  }
}

function broken(how: string): ConnectionFault {
  return new ConnectionFault(errorCodes.compression, `a block of headers cannot be read: ${how}`);
}

/** Says that we keep no table: to stand before the first block of a connection, since clients that allow less than is usual want to be told. */
export const noTable = Uint8Array.of(0x20);

/**
 * Writes a header block that needs no table and leaves none behind: it is the same for every connection.
 * @param fields names in lower case and values, one character a byte
 */
export function encodeHeaders(fields: readonly (readonly [name: string, value: string])[]): Buffer {
  const bytes: number[] = [];
  const integer = (value: number, bits: number, first: number): void => {
    const most = (1 << bits) - 1;
    if (value < most) {
      bytes.push(first | value);
      return;
    }
    bytes.push(first | most);
    let rest = value - most;
    for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
    bytes.push(rest);
  };
  const text = (value: string): void => {
    integer(value.length, 7, 0);
    for (let k = 0; k < value.length; k++) bytes.push(value.charCodeAt(k));
  };
  for (const [name, value] of fields) {
    const whole = staticPairs.get(`${name}\0${value}`);
    if (whole !== undefined) {
      integer(whole, 7, 0x80);
      continue;
    }
    const place = staticPlaces.get(name) ?? 0;
    integer(place, 4, 0);
    if (place === 0) text(name);
    text(value);
  }
  return Buffer.from(bytes);
}
