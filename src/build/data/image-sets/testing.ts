import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const fixtures = join(import.meta.dirname, '../../../foundation/images/fixtures');

/** A photo of the images room's fixtures. */
export function photo(name: 'hat' | 'shirt' | 'shoes'): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(join(fixtures, `${name}.jpg`)));
}

/** The same picture in other bytes: a comment segment after the start of the JPEG (ITU-T T.81, B.2.4.5). */
export function relabelled(jpeg: Uint8Array, comment: string): Uint8Array {
  const text = new TextEncoder().encode(comment);
  return Uint8Array.from([0xff, 0xd8, 0xff, 0xfe, 0, text.length + 2, ...text, ...jpeg.subarray(2)]);
}

/** Writes files that were last changed long ago, as those of a collection are. */
export async function writeImages(folder: string, files: Readonly<Record<string, Uint8Array | string>>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
    await utimes(file, new Date('2025-06-01'), new Date('2025-06-01'));
  }
}
