import { randomFillSync } from 'node:crypto';
import type { RandomBytes } from '#core';

/** Random bytes for ids that are made by the thousand: one call to the kernel for 512 of them. Bytes are used at once, and not kept. */
export function pooledRandomBytes(): RandomBytes {
  const pool = new Uint8Array(8192);
  let used = pool.length;
  return (length) => {
    if (used + length > pool.length) {
      randomFillSync(pool);
      used = 0;
    }
    used += length;
    return pool.subarray(used - length, used);
  };
}
