import type { DuckDBDataChunk } from '@duckdb/node-api';
import type Bindings from '@duckdb/node-bindings';
import type { TextColumn } from './column.ts';

/*
 * The engine's vectors read as memory, many times faster than value by value: DOUBLEs are copied whole, and a text of at most 12 bytes,
 * which a VARCHAR vector holds in place, is known again by its bytes without becoming a string. The layout (16 bytes a text: its length,
 * then its bytes padded with zeros, or a pointer) is that of DuckDB's C API, `duckdb_string_t`.
 */

/** Collects a text column piece by piece. */
export interface TextAssembler {
  set(row: number, text: string): void;
  /** Like `set`, for a text of at most 12 bytes that is given as its length and three words of its bytes. */
  setShort(row: number, words: Int32Array, at: number, decode: () => string): void;
  /** @param rows of the column, when not all are filled */
  column(rows?: number): TextColumn;
}

export function textAssembler(rows: number): TextAssembler {
  const codes = new Int32Array(rows).fill(-1);
  const dictionary: string[] = [];
  const codeOf = new Map<string, number>();
  // open addressing over the four words of short texts: a slot holds the code + 1
  let slots = new Int32Array(64);
  let keys = new Int32Array(32 * 4);
  let keyCodes = new Int32Array(32);
  let short = 0;
  const slotOf = (words: Int32Array, at: number): number => {
    let hash = Math.imul(words[at] ^ Math.imul(words[at + 1], 0x9e3779b1), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 15) ^ words[at + 2], 0xc2b2ae35);
    hash = Math.imul(hash ^ (hash >>> 13) ^ words[at + 3], 0x27d4eb2f);
    hash ^= hash >>> 16;
    const mask = slots.length - 1;
    let slot = hash & mask;
    for (; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const key = (slots[slot] - 1) * 4;
      if (keys[key] === words[at] && keys[key + 1] === words[at + 1] && keys[key + 2] === words[at + 2] && keys[key + 3] === words[at + 3])
        break;
    }
    return slot;
  };
  const grow = (): void => {
    const wider = new Int32Array(keys.length * 2);
    wider.set(keys);
    keys = wider;
    const codesOfKeys = new Int32Array(keyCodes.length * 2);
    codesOfKeys.set(keyCodes);
    keyCodes = codesOfKeys;
    slots = new Int32Array(slots.length * 2);
    for (let key = 0; key < short; key++) slots[slotOf(keys, key * 4)] = key + 1;
  };
  const codeFor = (text: string): number => {
    let code = codeOf.get(text);
    if (code === undefined) {
      code = dictionary.push(text) - 1;
      codeOf.set(text, code);
    }
    return code;
  };
  return {
    set: (row, text) => {
      codes[row] = codeFor(text);
    },
    setShort: (row, words, at, decode) => {
      let slot = slotOf(words, at);
      if (slots[slot] === 0) {
        if (short === keyCodes.length) {
          grow();
          slot = slotOf(words, at);
        }
        keys.set(words.subarray(at, at + 4), short * 4);
        // distinct bytes are distinct texts unless they are no UTF-8, which the engine does not let in; a long text cannot equal a short one
        keyCodes[short] = dictionary.push(decode()) - 1;
        slots[slot] = ++short;
      }
      codes[row] = keyCodes[slots[slot] - 1];
    },
    column: (count = rows) => ({ kind: 'text', codes: count === rows ? codes : codes.slice(0, count), dictionary }),
  };
}

const inlineBytes = 12;

/** Copies a DOUBLE column of a chunk to `into` from row `at` on; NULL leaves what is there. */
export function readNumbers(bindings: typeof Bindings, chunk: DuckDBDataChunk, column: number, at: number, into: Float64Array): void {
  const rows = chunk.rowCount;
  const vector = bindings.data_chunk_get_vector(chunk.chunk, column);
  const bytes = bindings.vector_get_data(vector, rows * 8);
  const values = new Float64Array(bytes.buffer, bytes.byteOffset, rows);
  const valid = validityOf(bindings, vector, rows);
  if (valid === undefined) return into.set(values, at);
  for (let row = 0; row < rows; row++) if ((valid[row >> 3] & (1 << (row & 7))) !== 0) into[at + row] = values[row];
}

/** Writes a DOUBLE column of a chunk, a value for each of its rows. */
export function writeNumbers(bindings: typeof Bindings, chunk: DuckDBDataChunk, column: number, values: Float64Array<ArrayBuffer>): void {
  const vector = bindings.data_chunk_get_vector(chunk.chunk, column);
  bindings.copy_data_to_vector(vector, 0, values.buffer, values.byteOffset, values.byteLength);
}

/** A copy of a list of DOUBLEs without NULL, which stands in the first row of a chunk. */
export function readList(bindings: typeof Bindings, chunk: DuckDBDataChunk, column: number): Float64Array {
  const vector = bindings.data_chunk_get_vector(chunk.chunk, column);
  const length = bindings.list_vector_get_size(vector);
  if (length === 0) return new Float64Array();
  const bytes = bindings.vector_get_data(bindings.list_vector_get_child(vector), length * 8);
  return new Float64Array(bytes.buffer, bytes.byteOffset, length).slice();
}

/** Adds a VARCHAR column of a chunk from row `at` on; NULL leaves the row missing. */
export function readTexts(bindings: typeof Bindings, chunk: DuckDBDataChunk, column: number, at: number, into: TextAssembler): void {
  const rows = chunk.rowCount;
  const vector = bindings.data_chunk_get_vector(chunk.chunk, column);
  const bytes = bindings.vector_get_data(vector, rows * 16);
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, rows * 4);
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, rows * 16);
  const valid = validityOf(bindings, vector, rows);
  for (let row = 0; row < rows; row++) {
    if (valid !== undefined && (valid[row >> 3] & (1 << (row & 7))) === 0) continue;
    const length = words[row * 4];
    if (length <= inlineBytes) {
      into.setShort(at + row, words, row * 4, () => text.toString('utf8', row * 16 + 4, row * 16 + 4 + length));
      continue;
    }
    // a longer text lies behind a pointer, which the library follows
    const value = chunk.getColumnVector(column).getItem(row);
    if (typeof value === 'string') into.set(at + row, value);
  }
}

/** A bit for each row, 1 where there is a value; undefined when all have one. */
function validityOf(bindings: typeof Bindings, vector: Bindings.Vector, rows: number): Uint8Array | undefined {
  // null where the vector has no NULL at all, although the types do not say so
  const bytes: Uint8Array | null = bindings.vector_get_validity(vector, Math.ceil(rows / 64) * 8);
  return bytes ?? undefined;
}
