import type { TextColumn } from './column.ts';

/** Fills a text column from byte ranges of one buffer; equal bytes are decoded once. */
export interface TextBuilder {
  setBytes(row: number, start: number, end: number): void;
  setText(row: number, text: string): void;
  setMissing(row: number): void;
  column(): TextColumn;
}

/**
 * @param bytes the buffer that all ranges point into
 * @param rows the column's length; rows that are never set are missing
 */
export function textBuilder(bytes: Buffer, rows: number): TextBuilder {
  const codes = new Int32Array(rows).fill(-1);
  const dictionary: string[] = [];
  const codeOf = new Map<string, number>(); // only for texts whose bytes have escapes
  let escapes = false;
  // open addressing, slot = code + 1; starts and ends locate the first bytes that had this code
  let slots = new Int32Array(1024);
  let hashes = new Int32Array(512);
  let starts = new Float64Array(512);
  let lengths = new Int32Array(512);

  const rehash = (): void => {
    const size = slots.length * 2;
    slots = new Int32Array(size);
    for (let code = 0; code < dictionary.length; code++) {
      let at = hashes[code] & (size - 1);
      while (slots[at] !== 0) at = (at + 1) & (size - 1);
      slots[at] = code + 1;
    }
    const grown = new Int32Array(size / 2);
    grown.set(hashes);
    hashes = grown;
    const grownStarts = new Float64Array(size / 2);
    grownStarts.set(starts);
    starts = grownStarts;
    const grownLengths = new Int32Array(size / 2);
    grownLengths.set(lengths);
    lengths = grownLengths;
  };

  const add = (text: string, hash: number, at: number, start: number, length: number): number => {
    const code = dictionary.push(text) - 1;
    hashes[code] = hash;
    starts[code] = start;
    lengths[code] = length;
    slots[at] = code + 1;
    if (dictionary.length * 2 >= slots.length) rehash();
    return code;
  };

  const same = (code: number, start: number, length: number): boolean => {
    if (lengths[code] !== length) return false;
    const other = starts[code];
    for (let i = 0; i < length; i++) if (bytes[other + i] !== bytes[start + i]) return false;
    return true;
  };

  const setText = (row: number, text: string): void => {
    if (!escapes) {
      escapes = true;
      dictionary.forEach((known, code) => codeOf.set(known, code));
    }
    let code = codeOf.get(text);
    if (code === undefined) {
      // hash 0 and length -1: found by its text only, never by bytes
      let at = 0;
      while (slots[at] !== 0) at = (at + 1) & (slots.length - 1);
      code = add(text, 0, at, 0, -1);
      codeOf.set(text, code);
    }
    codes[row] = code;
  };

  return {
    setMissing: (row) => {
      codes[row] = -1;
    },
    setText,
    setBytes: (row, start, end) => {
      let hash = 0x811c9dc5; // FNV-1a
      for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i], 0x01000193);
      hash ^= hash >>> 15;
      const length = end - start;
      let at = hash & (slots.length - 1);
      while (slots[at] !== 0) {
        const code = slots[at] - 1;
        if (hashes[code] === hash && same(code, start, length)) {
          codes[row] = code;
          return;
        }
        at = (at + 1) & (slots.length - 1);
      }
      const text = bytes.toString('utf8', start, end);
      const known = escapes ? codeOf.get(text) : undefined;
      if (known === undefined) {
        codes[row] = add(text, hash, at, start, length);
        if (escapes) codeOf.set(text, codes[row]);
      } else codes[row] = known;
    },
    column: () => ({ kind: 'text', codes, dictionary }),
  };
}
