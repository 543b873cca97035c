/** Folders of photos. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { repository } from './gyre-fixture.ts';

const fixtures = join(repository, 'src/foundation/images/fixtures');

/** A JPEG of the images room's fixtures. */
export function photo(name: 'hat' | 'shirt' | 'shoes'): Promise<Buffer> {
  return readFile(join(fixtures, `${name}.jpg`));
}

/** The same picture in other bytes: a comment after the start of the JPEG (ITU-T T.81, B.2.4.5). */
export function withComment(jpeg: Uint8Array, comment: string): Uint8Array {
  const text = new TextEncoder().encode(comment);
  return Buffer.concat([jpeg.subarray(0, 2), Uint8Array.of(0xff, 0xfe, 0, text.length + 2), text, jpeg.subarray(2)]);
}

export async function writeFiles(folder: string, files: Readonly<Record<string, Uint8Array | string>>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
  }
}
