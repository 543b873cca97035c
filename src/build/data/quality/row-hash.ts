import type { Column, Frame } from '#tables';

/** Two 32-bit halves of a 64-bit hash per row. */
export interface RowHashes {
  readonly high: Uint32Array;
  readonly low: Uint32Array;
}

const mix = (hash: number): number => {
  // the finaliser of MurmurHash3 (Appleby)
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
};

/** Both halves of a text's hash, into a pair. */
function hashText(text: string, pair: Int32Array): void {
  let high = 0x811c9dc5;
  let low = 0x9747b28c;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    high = Math.imul(high ^ code, 0x01000193);
    low = Math.imul(low ^ code, 0x5bd1e995);
    low ^= low >>> 15;
  }
  pair[0] = mix(high ^ text.length);
  pair[1] = mix(low);
}

function hashNumber(value: number, pair: Int32Array, bits: DataView): void {
  // 0 and -0 are one value, and so are all NaN
  bits.setFloat64(0, value === 0 ? 0 : Number.isNaN(value) ? NaN : value);
  const [a, b] = [bits.getInt32(0), bits.getInt32(4)];
  pair[0] = mix(Math.imul(a, 0x9e3779b1) ^ b);
  pair[1] = mix(Math.imul(b, 0x85ebca77) + a);
}

/**
 * A 64-bit hash of each row over some columns. Missing values are alike. Rows that agree have the same hash; that two of n rows which
 * differ have the same has a chance of n squared / 2^65: one in a million for six million rows.
 */
export function hashRows(frame: Frame, columns: readonly string[]): RowHashes {
  const high = new Uint32Array(frame.rows);
  const low = new Uint32Array(frame.rows);
  for (const name of columns) addColumn(frame.column(name), frame.rows, high, low);
  return { high, low };
}

function addColumn(column: Column, rows: number, high: Uint32Array, low: Uint32Array): void {
  const pair = new Int32Array(2);
  const bits = new DataView(new ArrayBuffer(8));
  if (column.kind === 'text') {
    const { codes, dictionary } = column;
    const highs = new Int32Array(dictionary.length + 1);
    const lows = new Int32Array(dictionary.length + 1);
    dictionary.forEach((text, code) => {
      hashText(text, pair);
      highs[code + 1] = pair[0];
      lows[code + 1] = pair[1];
    });
    for (let row = 0; row < rows; row++) {
      const code = codes[row] + 1;
      high[row] = mix(Math.imul(high[row], 31) + highs[code]);
      low[row] = mix(Math.imul(low[row], 33) ^ lows[code]);
    }
    return;
  }
  const { values } = column;
  for (let row = 0; row < rows; row++) {
    hashNumber(values[row], pair, bits);
    high[row] = mix(Math.imul(high[row], 31) + pair[0]);
    low[row] = mix(Math.imul(low[row], 33) ^ pair[1]);
  }
}

/** A set of 64-bit hashes, each with a number from 0 in the order in which they came. */
export interface HashIndex {
  readonly size: number;
  /** The number of a hash; one that was not there is added. */
  add(high: number, low: number): number;
  /** The number of a hash, -1 when it is not there. */
  find(high: number, low: number): number;
}

/** @param expected about how many there will be: the table is made for them and need not grow */
export function hashIndex(expected = 512): HashIndex {
  // a slot is three words, side by side in memory: number + 1, and the two halves
  let mask = 2 ** Math.ceil(Math.log2(Math.max(16, expected * 1.5))) - 1;
  let slots = new Int32Array((mask + 1) * 3);
  let size = 0;
  const slotOf = (high: number, low: number): number => {
    let at = low & mask;
    for (; slots[at * 3] !== 0; at = (at + 1) & mask) if (slots[at * 3 + 2] === low && slots[at * 3 + 1] === high) break;
    return at * 3;
  };
  const grow = (): void => {
    const before = slots;
    mask = mask * 2 + 1;
    slots = new Int32Array((mask + 1) * 3);
    for (let at = 0; at < before.length; at += 3) {
      if (before[at] === 0) continue;
      const slot = slotOf(before[at + 1], before[at + 2]);
      slots[slot] = before[at];
      slots[slot + 1] = before[at + 1];
      slots[slot + 2] = before[at + 2];
    }
  };
  return {
    get size() {
      return size;
    },
    add: (high, low) => {
      let slot = slotOf(high | 0, low | 0);
      if (slots[slot] !== 0) return slots[slot] - 1;
      if (size * 4 >= mask * 3) {
        grow();
        slot = slotOf(high | 0, low | 0);
      }
      slots[slot + 1] = high;
      slots[slot + 2] = low;
      slots[slot] = ++size;
      return size - 1;
    },
    find: (high, low) => slots[slotOf(high | 0, low | 0)] - 1,
  };
}
