import { isSha256 } from '#core';
import type { Sha256 } from '#core';

/** What stands in a repository for a file that Git LFS keeps elsewhere. */
export interface LfsPointer {
  /** The SHA-256 of the file's bytes: the name of its blob. */
  readonly oid: Sha256;
  /** Of the file, in bytes. */
  readonly size: number;
  /** Names of the extensions that turn the stored bytes into the file's; usually none. */
  readonly extensions: readonly string[];
}

/** A longer file is no pointer: only up to so many bytes have to be looked at. */
export const maxLfsPointerBytes = 1023;

const versions = ['https://git-lfs.github.com/spec/v1', 'http://git-media.io/v/2', 'https://hawser.github.com/spec/v1'];

/**
 * Reads a Git LFS pointer (git-lfs docs/spec.md, version 1 and the two names it went by before). Line ends of Windows are taken: a checkout makes them.
 * @param content of a whole file, as bytes or as the text they are in UTF-8
 * @returns undefined for whatever is none
 */
export function parseLfsPointer(content: Uint8Array | string): LfsPointer | undefined {
  if (content.length > maxLfsPointerBytes || content.length === 0) return undefined;
  const text = typeof content === 'string' ? content : Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString('utf8');
  if (!text.startsWith('version ')) return undefined;
  const pairs = text
    .trimEnd()
    .split(/\r?\n/)
    .map((line) => /^(version|oid|size|ext-\d-\w[\w.-]*) (\S+)$/.exec(line));
  const valueOf = (key: string): string | undefined => pairs.find((pair) => pair?.[1] === key)?.[2];
  const oid = /^sha256:(.*)$/.exec(valueOf('oid') ?? '')?.[1] ?? '';
  const size = valueOf('size') ?? '';
  if (pairs.includes(null) || !versions.includes(valueOf('version') ?? '') || !isSha256(oid) || !/^\d{1,15}$/.test(size)) return undefined;
  return { oid, size: Number(size), extensions: pairs.flatMap((pair) => /^ext-\d-(.+)$/.exec(pair?.[1] ?? '')?.[1] ?? []) };
}
