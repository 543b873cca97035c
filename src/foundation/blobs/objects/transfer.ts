import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { GyreError } from '#core';
import type { TransferOptions } from './port.ts';

/** The digests that a transfer was promised, computed on the way. */
export class Expected {
  readonly #hashes: readonly { readonly name: string; readonly wanted: string; readonly hash: Hash }[];

  constructor({ md5, sha256 }: TransferOptions) {
    const wanted = [
      ['md5', md5],
      ['sha256', sha256],
    ] as const;
    this.#hashes = wanted.flatMap(([name, digest]) => (digest === undefined ? [] : [{ name, wanted: digest, hash: createHash(name) }]));
  }

  get any(): boolean {
    return this.#hashes.length > 0;
  }

  update(chunk: Uint8Array): void {
    for (const { hash } of this.#hashes) hash.update(chunk);
  }

  /** @returns the first digest that is another than promised; may be asked once */
  mismatch(): { readonly name: string; readonly wanted: string; readonly found: string } | undefined {
    for (const { name, wanted, hash } of this.#hashes) {
      const found = hash.digest('hex');
      if (found !== wanted.toLowerCase()) return { name, wanted, found };
    }
    return undefined;
  }

  /** @throws GyreError DATA_LOSS naming what has other bytes than promised */
  require(what: string): void {
    const wrong = this.mismatch();
    if (wrong !== undefined) {
      const { name, wanted, found } = wrong;
      throw new GyreError('DATA_LOSS', `${what} is corrupt: its ${name} is ${found}, it should be ${wanted}`, {
        what,
        name,
        wanted,
        found,
      });
    }
  }
}

/** @throws GyreError CANCELLED */
export function requireGoing(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new GyreError('CANCELLED', 'the transfer was cancelled', {}, { cause: signal.reason });
}
