import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createInterface } from 'node:readline';

/** A blob as it is stored. */
export interface StoredBlob {
  /** `sha256/ab/cdef…`, or of a sealed one `sealed/ab/cdef…`. */
  readonly key: string;
  readonly size: number;
  /** SHA-256 of the stored bytes: of a sealed one not its name. */
  readonly digest: string;
  /** Its path below the folder of copies. */
  readonly copy: string;
}

const linesAtOnce = 2000;

/** Writes a list durably, as it comes. */
export async function writeList(path: string, blobs: AsyncIterable<StoredBlob>): Promise<void> {
  const file = await open(path, 'w', 0o600);
  try {
    let lines: string[] = [];
    for await (const { key, size, digest, copy } of blobs) {
      lines.push(`${key} ${size} ${digest} ${copy}\n`);
      if (lines.length < linesAtOnce) continue;
      await file.writeFile(lines.join(''));
      lines = [];
    }
    await file.writeFile(lines.join(''));
    await file.sync();
  } finally {
    await file.close();
  }
}

export async function* readList(path: string): AsyncGenerator<StoredBlob> {
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    const [key, size, digest, copy] = line.split(' ');
    yield { key, size: Number(size), digest, copy };
  }
}

/** The SHA-256 of a file. */
export async function digestOfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
