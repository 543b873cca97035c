import type { BlobStore } from '#blobs';
import type { Trace, TraceLink } from '#contract';
import { asSha256, hasCode } from '#core';

/** The chain of a trace while it is walked: links in order, each record once, and what is not there. */
export class Links {
  readonly #blobs: BlobStore;
  readonly #links: TraceLink[] = [];
  readonly #missing: string[] = [];
  readonly #seen = new Set<string>();

  constructor(blobs: BlobStore) {
    this.#blobs = blobs;
  }

  /** @returns false when the record is in the chain already */
  add(link: TraceLink): boolean {
    const name = `${link.kind} ${link.id}`;
    if (this.#seen.has(name)) return false;
    this.#seen.add(name);
    this.#links.push(link);
    return true;
  }

  missing(what: string): void {
    if (!this.#missing.includes(what)) this.#missing.push(what);
  }

  /** Reads a blob's bytes again. False also notes what is wrong with it. */
  async verified(digest: string, what: string): Promise<boolean> {
    try {
      await this.#blobs.verify(asSha256(digest));
      return true;
    } catch (error) {
      if (hasCode(error, 'NOT_FOUND')) this.missing(`${what}: its bytes (${digest.slice(0, 12)}) are not stored here`);
      else if (hasCode(error, 'DATA_LOSS')) this.missing(`${what}: its bytes no longer have the digest ${digest.slice(0, 12)}`);
      else throw error;
      return false;
    }
  }

  /** A record; undefined, and noted as missing, when there is none. */
  async find<T>(what: string, get: () => Promise<T>): Promise<T | undefined> {
    try {
      return await get();
    } catch (error) {
      if (!hasCode(error, 'NOT_FOUND') && !hasCode(error, 'DATA_LOSS')) throw error;
      this.missing(`${what}: ${error.message}`);
      return undefined;
    }
  }

  done(kind: string, id: string): Trace {
    return { of: { kind, id }, links: this.#links, complete: this.#missing.length === 0, missing: this.#missing };
  }
}

/** `12 rows`, `1 row`. */
export function counted(count: number, what: string): string {
  return `${count.toLocaleString('en')} ${what}${count === 1 ? '' : 's'}`;
}

/** `accuracy 0.801, roc_auc 0.846`: those that are there, the usual ones first. */
export function figures(values: Readonly<Record<string, number | null>>, names: readonly string[]): string {
  return names
    .flatMap((name) => {
      const value = Object.hasOwn(values, name) ? values[name] : null;
      return value === null ? [] : [`${name} ${value.toFixed(3)}`];
    })
    .join(', ');
}
