/** What an `Md5Lane` and its thread share. */
export interface Md5Pieces {
  /** See `fields`. */
  readonly control: Int32Array;
  /** A slot for each piece under way. */
  readonly bytes: Uint8Array;
  /** Of the file that ended last. */
  readonly digest: Uint8Array;
}

/** Pieces that may be under way. */
export const slots = 4;
export const slotBytes = 2 * 1024 * 1024;

/** Places in `control`: how many pieces were given, how many were taken, and the length of each slot's piece. */
export const fields = { given: 0, taken: 1, lengths: 2 } as const;

/** In the place of a length: the file has ended, or was given up. */
export const marks = { end: -1, drop: -2 } as const;
