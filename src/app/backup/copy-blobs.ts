import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { GyreError } from '#core';

/** How a sealed blob begins: it has another SHA-256 than its name, and is checked by its own seal when it is opened. */
const sealMark = Buffer.from('GYSEAL01', 'latin1');

interface CopiedBlobs {
  /** All that are there now. */
  readonly count: number;
  readonly bytes: number;
  /** Those that had to be copied. */
  readonly copied: number;
}

/**
 * Copies blobs of one folder into another, by digest: what is there already stays. Each is compared with its name on the way and gets it only
 * when its bytes are on the disk, so that a copy that was killed goes on where it was.
 * @throws GyreError DATA_LOSS naming a blob whose bytes are others; CANCELLED
 */
export async function copyBlobs(from: string, to: string, signal: AbortSignal, progress: (copied: number) => void): Promise<CopiedBlobs> {
  let [count, bytes, copied] = [0, 0, 0];
  await mkdir(join(to, 'incoming'), { recursive: true, mode: 0o700 });
  for (const prefix of await namesIn(join(from, 'sha256'))) {
    const folder = join(to, 'sha256', prefix);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    for (const rest of await namesIn(join(from, 'sha256', prefix))) {
      signal.throwIfAborted();
      const source = join(from, 'sha256', prefix, rest);
      const target = join(folder, rest);
      const size = await sizeOf(source);
      // Garbage collection may have taken it since it was listed: then no record refers to it.
      if (size === undefined) continue;
      if ((await sizeOf(target)) !== size) {
        await copyBlob(source, join(to, 'incoming', prefix + rest), prefix + rest);
        await rename(join(to, 'incoming', prefix + rest), target);
        progress(++copied);
      }
      count += 1;
      bytes += size;
    }
    await syncPath(folder);
  }
  return { count, bytes, copied };
}

async function copyBlob(source: string, temporary: string, digest: string): Promise<void> {
  const hash = createHash('sha256');
  const file = await open(temporary, 'w', 0o600);
  let first: Buffer | undefined;
  try {
    for await (const chunk of createReadStream(source, { highWaterMark: 1024 * 1024 })) {
      const piece = chunk as Buffer;
      first ??= piece.subarray(0, sealMark.length);
      hash.update(piece);
      await file.writeFile(piece);
    }
    await file.chmod(0o444);
    await file.sync();
  } finally {
    await file.close();
  }
  const found = hash.digest('hex');
  if (found === digest || first?.equals(sealMark) === true) return;
  await rm(temporary, { force: true });
  throw new GyreError('DATA_LOSS', `blob ${digest} is corrupt: ${source} has the SHA-256 ${found}`, { digest, path: source });
}

/** Makes what was written to a file, or the names in a folder, durable. */
export async function syncPath(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** The SHA-256 of a file. */
export async function digestOfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

export async function namesIn(folder: string): Promise<readonly string[]> {
  const names: readonly string[] = await readdir(folder).catch(() => []);
  return names.toSorted();
}

async function sizeOf(path: string): Promise<number | undefined> {
  return (await stat(path).catch(() => undefined))?.size;
}
