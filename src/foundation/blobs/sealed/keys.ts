import { createHmac } from 'node:crypto';
import { GyreError } from '#core';

/** One key that blobs are sealed with. */
export interface SealingKey {
  /** Eight bytes in hex that name the key and tell nothing about it. */
  readonly id: string;
  /** 32 bytes. */
  readonly secret: Uint8Array;
}

/** The first key seals; all of them open. */
export interface SealingKeys {
  readonly current: SealingKey;
  readonly all: readonly SealingKey[];
}

const keyBytes = 32;

/** The variable that holds the keys. */
export const sealingVariable = 'GYRE_BLOBS_KEY';

/**
 * Reads keys: each 32 bytes as Base64 or as 64 hexadecimal digits, with commas between. The first one seals, the others open what earlier
 * keys sealed.
 * @returns undefined when nothing is given
 * @throws GyreError INVALID_ARGUMENT saying which key is none; never with the key itself
 */
export function sealingKeysFrom(text: string | undefined): SealingKeys | undefined {
  const given = (text ?? '').split(',').map((one) => one.trim());
  if (given.every((one) => one === '')) return undefined;
  const all = given.map((one, at) => sealingKey(secretOf(one, at + 1, given.length)));
  return { current: all[0], all };
}

/** @param secret 32 bytes */
export function sealingKey(secret: Uint8Array): SealingKey {
  return { id: createHmac('sha256', secret).update('gyre blob key id').digest('hex').slice(0, 16), secret };
}

function secretOf(text: string, position: number, of: number): Uint8Array {
  const bytes = /^[0-9a-fA-F]{64}$/.test(text)
    ? Buffer.from(text, 'hex')
    : /^[A-Za-z0-9+/_-]+=*$/.test(text)
      ? Buffer.from(text, 'base64')
      : undefined;
  if (bytes?.byteLength === keyBytes) return bytes;
  const which = of === 1 ? 'the key' : `key ${position} of ${of}`;
  throw new GyreError(
    'INVALID_ARGUMENT',
    `${sealingVariable}: ${which} has ${bytes === undefined ? 'characters that are neither Base64 nor hexadecimal' : `${bytes.byteLength} bytes`}; ${keyBytes} random bytes are needed, such as \`openssl rand -base64 32\` prints`,
  );
}
