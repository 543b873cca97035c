import type { Clock } from './clock.ts';
import { seeded } from './random.ts';

/** Makes a new id each time it is called. Domain code takes it from its caller. */
export type NewId = () => string;

/** Fills a buffer with random bytes: `crypto.getRandomValues` in the app, a seeded one in tests. */
export type RandomBytes = (length: number) => Uint8Array;

/** Bytes of a repeatable source, for tests: what must not be guessed comes from the system's. */
export function seededBytes(seed: number): RandomBytes {
  const random = seeded(seed);
  return (length) => Uint8Array.from({ length }, () => random.int(256));
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/**
 * A source of UUIDv7 (RFC 9562, section 5.7) from the injected clock and random bytes.
 * Ids made in the same millisecond keep no order: sort by (instant, position), never by id.
 */
export function uuidV7(clock: Clock, randomBytes: RandomBytes): NewId {
  return () => {
    const bytes = randomBytes(16);
    const instant = clock.now();
    bytes[0] = instant / 0x10000000000;
    bytes[1] = instant / 0x100000000;
    bytes[2] = instant / 0x1000000;
    bytes[3] = instant / 0x10000;
    bytes[4] = instant / 0x100;
    bytes[5] = instant;
    bytes[6] = 0x70 | (bytes[6] & 0x0f);
    bytes[8] = 0x80 | (bytes[8] & 0x3f);
    const text = hex(bytes);
    return `${text.slice(0, 8)}-${text.slice(8, 12)}-${text.slice(12, 16)}-${text.slice(16, 20)}-${text.slice(20)}`;
  };
}

/** Ids that count up, for tests: `run-1`, `run-2`, … */
export function countingIds(prefix: string): NewId {
  let count = 0;
  return () => `${prefix}-${++count}`;
}
